"""The forms of values, each with forms that are none."""

import pytest

from psi.shared.errors import PsiError
from psictl.systemd.values import parse_bool, parse_count, parse_list, parse_span, parse_time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0.0), ("n/a", 0.0), ("0", 0.0), ("infinity", 0.0), ("53.049027s", 53.049027),
        ("4h 53min 53.5s", 17_633.5), ("1d 2h", 93_600.0), ("1w", 604_800.0), ("250ms", 0.25),
        ("1month 1y", 34_187_400.0), ("15us", 15e-6),
    ],
)  # fmt: skip  # a table
def test_a_span_is_read(text: str, seconds: float) -> None:
    assert parse_span(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["1", "5 s", "1h,2min", "-1s", "1.s", "1 hour", "1h  2min", "1s\n"]
)
def test_what_is_no_span_is_an_error(text: str) -> None:
    with pytest.raises(PsiError, match="a span of time was expected"):
        parse_span(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0.0), ("n/a", 0.0), ("@1795302244", 1_795_302_244.0), ("@1.5", 1.5),
        ("Sat 2026-11-21 23:09:43 UTC", 1_795_302_583.0),
    ],
)  # fmt: skip  # a table
def test_a_time_is_read(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "1795302244", "@", "@-1", "@1\n", "2026-11-21 23:09:43 UTC", "Sat 2026-11-21 23:09:43 CET",
        "Sat 2026-02-30 23:09:43 UTC", "Sat 2026-11-21 25:09:43 UTC", "yesterday",
    ],
)  # fmt: skip  # a list
def test_what_is_no_time_is_an_error(text: str) -> None:
    with pytest.raises(PsiError, match="a time was expected"):
        parse_time(text)


def test_a_list_is_words_quoted_where_they_need_it() -> None:
    assert parse_list("") == ()
    assert parse_list("a.conf \"/etc/b c.conf\" 'd'") == ("a.conf", "/etc/b c.conf", "d")


@pytest.mark.parametrize("text", ['"a', "a\\"])
def test_what_is_no_list_is_an_error(text: str) -> None:
    with pytest.raises(PsiError, match="a list was expected"):
        parse_list(text)


def test_words_and_numbers_are_read() -> None:
    assert (parse_bool("yes"), parse_bool("no"), parse_count("12")) == (True, False, 12)


@pytest.mark.parametrize("text", ["", "true", "Yes", "1"])
def test_what_is_neither_yes_nor_no_is_an_error(text: str) -> None:
    with pytest.raises(PsiError, match="yes or no was expected"):
        parse_bool(text)


@pytest.mark.parametrize("text", ["", "-1", "1.5", "[not set]", "9" * 13])
def test_what_is_no_number_is_an_error(text: str) -> None:
    with pytest.raises(PsiError, match="a number was expected"):
        parse_count(text)
