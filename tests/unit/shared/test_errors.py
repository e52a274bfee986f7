"""The error tree: each class has its exit code, and a refusal is one line of ASCII."""

import inspect

import pytest

from psi.shared import errors
from psi.shared.errors import (
    ConfigError,
    InvalidName,
    InvariantError,
    ProtocolError,
    PsiError,
    Refusal,
    Temporary,
    Unreachable,
)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (PsiError, 1),
        (ConfigError, 2),
        (InvalidName, 2),
        (Unreachable, 4),
        (Temporary, 5),
        (ProtocolError, 1),
        (Refusal, 1),
        (InvariantError, 1),
    ],
)
def test_an_error_has_its_exit_code(kind: type[PsiError], code: int) -> None:
    assert kind.exit_code == code


def test_all_errors_are_of_one_tree() -> None:
    classes = [member for _, member in inspect.getmembers(errors, inspect.isclass)]
    own = [each for each in classes if each.__module__ == errors.__name__]
    assert len(own) == 8
    assert all(issubclass(each, PsiError) for each in own)


def test_a_refusal_keeps_code_and_detail() -> None:
    refusal = Refusal("forbidden", "not in allow")
    assert (refusal.code, refusal.detail, str(refusal)) == (
        "forbidden",
        "not in allow",
        "not in allow",
    )


@pytest.mark.parametrize("detail", ["a\nb", "\x1b[31m", "ü" * 300, "\ud800", ""])
def test_a_refusals_detail_is_one_short_line_of_ascii(detail: str) -> None:
    told = Refusal("internal", detail).detail
    assert told.isascii()
    assert len(told) <= 200
    assert "\n" not in told
