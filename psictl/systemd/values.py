"""The forms in which ``systemctl show`` prints values, read strictly: another form is an error.

Tried with systemd 252 and 257: ``--timestamp=unix`` does not reach a timer's times, so the time
zone must be UTC.
"""

import re
import shlex
from datetime import UTC, datetime
from typing import Final

from psi.shared.errors import PsiError
from psi.shared.names import printable

_SECONDS: Final = {
    "y": 31_557_600.0, "month": 2_629_800.0, "w": 604_800.0, "d": 86_400.0, "h": 3_600.0,
    "min": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6,
}  # fmt: skip  # time-util.h: a year has 365.25 days, a month a twelfth of it
_SPAN: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(y|month|w|d|h|min|s|ms|us)")
_UNIX: Final = re.compile(r"@([0-9]{1,12})(?:\.[0-9]{1,6})?")
_UTC: Final = re.compile(r"[A-Z][a-z]{2} ([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}) UTC")
_NEVER: Final = ("", "n/a", "0")


def parse_bool(text: str) -> bool:
    """Read ``yes`` or ``no``; raises PsiError."""
    if text not in {"yes", "no"}:
        raise _unknown("yes or no", text)
    return text == "yes"


def parse_count(text: str) -> int:
    """Read a number; raises PsiError."""
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise _unknown("a number", text)
    return int(text)


def parse_list(text: str) -> tuple[str, ...]:
    """Read words, quoted as a shell would where they need it; raises PsiError."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise _unknown("a list", text) from error


def parse_time(text: str) -> float:
    """Read a point in time as seconds since the epoch; 0 for never. Raises PsiError."""
    if text in _NEVER:
        return 0.0
    if _UNIX.fullmatch(text):
        return float(text[1:])
    match = _UTC.fullmatch(text)
    if match is None:
        raise _unknown("a time", text)
    try:
        return datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise _unknown("a time", text) from error


def parse_span(text: str) -> float:
    """Read seconds, written as ``1h 2min 3.5s``; 0 for never. Raises PsiError."""
    if text in {*_NEVER, "infinity"}:
        return 0.0
    words = [_SPAN.fullmatch(word) for word in text.split(" ")]
    if not all(words):
        raise _unknown("a span of time", text)
    return sum(float(word[1]) * _SECONDS[word[2]] for word in words if word)


def _unknown(what: str, text: str) -> PsiError:
    return PsiError(
        f"systemctl show printed {printable(text)!r} where {what} was expected: "
        "see whether psictl is older than systemd"
    )
