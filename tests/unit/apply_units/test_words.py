"""Text that systemd reads back as it was: against a model of its splitting, for any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psi.shared.errors import ConfigError
from psictl.apply.units.words import literal, word
from tests.unit.shared.properties import PROPERTY

TELLABLE = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Cn"), exclude_characters="\\"), min_size=1
).filter(lambda text: text == text.strip(" "))


def read_words(line: str, separators: str = " \t") -> list[str]:
    """Return the words of a line as extract_first_word() of systemd does, quotes dropped."""
    words: list[str] = []
    current, quote, begun = "", "", False
    for character in line:
        if quote:
            quote, current = ("", current) if character == quote else (quote, current + character)
        elif character in "'\"":
            quote, begun = character, True
        elif character in separators:
            words, current, begun = ([*words, current] if begun else words), "", False
        else:
            current, begun = current + character, True
    assert not quote
    return [*words, current] if begun else words


def expand(text: str) -> str:
    """Return a text after specifiers were expanded; only ``%%`` is known here."""
    parts = text.split("%%")
    assert not any("%" in part for part in parts)
    return "%".join(parts)


@PROPERTY
@given(TELLABLE)
def test_a_word_is_read_back_as_one(text: str) -> None:
    assert [expand(each) for each in read_words(word(text))] == [text]


@PROPERTY
@given(TELLABLE)
def test_a_word_is_no_two_parts_of_a_mount(text: str) -> None:
    assert [expand(each) for each in read_words(word(text), " \t:")] == [text]


@PROPERTY
@given(st.lists(TELLABLE, min_size=1))
def test_words_stay_apart(texts: list[str]) -> None:
    line = " ".join(word(text) for text in texts)
    assert [expand(each) for each in read_words(line)] == texts


@PROPERTY
@given(TELLABLE)
def test_the_rest_of_a_line_is_read_back(text: str) -> None:
    assert expand(literal(text)) == text


@PROPERTY
@given(st.text())
def test_whatever_is_taken_stays_on_its_line(text: str) -> None:
    try:
        written = word(text)
    except ConfigError:
        return
    assert written.isascii() or not any(ord(c) < 32 for c in written)
    assert "\n" not in written
    assert not written.endswith("\\")


@pytest.mark.parametrize(
    "text", ["", " ", "a\n", "a\nExecStart=/bin/sh", "a\\", "a\0", "a\x7f", " a", "a ", "a\ud800"]
)
@pytest.mark.parametrize("write", [literal, word])
def test_what_cannot_be_told_is_refused(write: object, text: str) -> None:
    assert callable(write)
    with pytest.raises(ConfigError, match="cannot be told to systemd"):
        write(text)


def test_an_ordinary_path_stays_readable() -> None:
    assert word("/run/my-app/token_1.jwt") == "/run/my-app/token_1.jwt"
    assert word("-/run/a b") == '"-/run/a b"'
    assert word("/100%") == '"/100%%"'
