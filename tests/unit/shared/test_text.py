"""Foreign text for terminals, logs and headers."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from psi.shared.errors import Refusal
from psi.shared.messages.base import Detail
from psi.shared.text import REASON_CHARACTERS, ascii_line, has_control, printable
from tests.unit.shared.properties import PROPERTY

HOSTILE = [
    "\x1b[31m",
    "a\nb",
    "a\rb",
    "\0",
    "\x9b2J",
    "\u2028",
    "\u202e",
    "\u2066",
    "\ud800",
    "\x7f",
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_control_characters_are_found_and_replaced(text: str) -> None:
    assert has_control(text)
    assert not has_control(printable(text))
    assert "?" in printable(text)


@pytest.mark.parametrize("text", ["", "plain", "übung", "鍵", "\U0001f511", 'a b = "c"'])
def test_what_is_harmless_is_kept(text: str) -> None:
    assert not has_control(text)
    assert printable(text) == text


def test_a_long_text_is_cut_and_says_so() -> None:
    assert printable("x" * 120) == "x" * 120
    assert printable("x" * 121) == "x" * 119 + "…"


@PROPERTY
@given(st.text(), st.integers(1, 50))
def test_printable_is_clean_and_within_its_limit(text: str, limit: int) -> None:
    cleaned = printable(text, limit)
    assert len(cleaned) <= limit
    assert not has_control(cleaned)
    cleaned.encode()


@PROPERTY
@given(st.text())
def test_a_line_of_ascii_fits_a_header(text: str) -> None:
    line = ascii_line(text)
    assert len(line.encode("ascii")) <= REASON_CHARACTERS
    assert line == "" or (line.isprintable() and "\n" not in line)


@PROPERTY
@given(st.text(max_size=400))
def test_a_refusals_detail_is_legal_in_its_message(text: str) -> None:
    detail = Refusal("internal", text).detail
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(detail), type=Detail) == detail
