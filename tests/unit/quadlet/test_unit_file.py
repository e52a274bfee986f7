"""systemd's unit grammar."""

import pytest

from psi.shared.errors import ConfigError
from psictl.quadlet.unit_file import parse_unit_file

EXAMPLE = r"""# comment
; comment
[Unit]
After=a.service b.service
Description = two  words

[Container]
Secret=one
Secret=two
Exec=begin \
# a comment between
; and another
  middle \
end
Empty=
"""


def test_sections_keys_comments_and_continued_lines_are_read() -> None:
    assert parse_unit_file(EXAMPLE).assignments == [
        ("Unit", "After", "a.service b.service"),
        ("Unit", "Description", "two  words"),
        ("Container", "Secret", "one"),
        ("Container", "Secret", "two"),
        ("Container", "Exec", "begin  middle  end"),
        ("Container", "Empty", ""),
    ]


def test_a_line_number_is_where_an_assignment_begins() -> None:
    assert [entry.line for entry in parse_unit_file(EXAMPLE).entries] == [4, 5, 8, 9, 10, 15]


def test_a_repeated_key_is_a_list_that_an_empty_one_resets() -> None:
    unit = parse_unit_file("[C]\nS=1\nS=2\nS=\nS=3\n[D]\nS=4\n")
    assert unit.values("C", "S") == ["3"]
    assert unit.values("D", "S") == ["4"]
    assert unit.values("C", "T") == []


def test_two_backslashes_at_the_end_do_not_continue() -> None:
    assert parse_unit_file("[C]\nA=x\\\\\nB=y\n").assignments == [
        ("C", "A", "x\\\\"),
        ("C", "B", "y"),
    ]


def test_a_value_may_hold_an_equals_sign() -> None:
    assert parse_unit_file("[C]\nA=b=c\n").assignments == [("C", "A", "b=c")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A=b\n", "u:1: A= stands before any"),
        ("[C]\nwords\n", "u:2: 'words' is no assignment"),
        ("[C]\n=b\n", "u:2: '=b' is no assignment"),
        ("[C]\nA b=c\n", "u:2: 'A b=c' is no assignment"),
        ("[C\nA=b\n", r"u:1: '\[C' is no section"),
        ("[]\n", "is no section"),
        ("[C] x\n", "is no section"),
        ("[C]\nA=b\x00\n", "u:2: a control character"),
        ("[C]\nA=b\r\n", "u:2: a control character"),
        ("[C]\nA=b\\\n", "u:2: the last line ends in a backslash"),
    ],
)
def test_what_is_not_the_grammar_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_unit_file(text, "u")
