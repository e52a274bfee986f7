"""Lifetimes: two readers of one string, which do not agree, as in the real server."""

import re

from tests.fakes.infisical.errors import went_wrong

_HOUR = 3_600_000  # milliseconds
_DAY = 24 * _HOUR
# The reader that counts. A month is 30 days, a year 365.
_UNITS = {"h": _HOUR, "d": _DAY, "m": 30 * _DAY, "y": 365 * _DAY}
_COUNTED = re.compile(r"\A(\d+)([dmyh])\Z")
# The reader that checks the form is the npm package `ms`, which knows more than that.
_CHECKED = re.compile(
    r"\A(-?\d*\.?\d+) *(?:milliseconds?|msecs?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h"
    r"|days?|d|weeks?|w|years?|yrs?|y)?\Z",
    re.IGNORECASE,
)


def problem_with(ttl: str) -> str | None:
    """Return what the form of a TTL is refused with, if it is."""
    found = _CHECKED.match(ttl)
    return None if found and float(found[1]) > 0 else "TTL must be a positive number"


def milliseconds(ttl: str) -> int:
    """Return a TTL in milliseconds: `5m` is five months.

    Raises:
        ApiError: 500 for units that only the form knows, such as `s` and `w`.

    """
    found = _COUNTED.match(ttl)
    if found is None:
        raise went_wrong()
    return int(found[1]) * _UNITS[found[2]]


def of_span(span: int) -> str:
    """Return the TTL that a renewal takes from a span in milliseconds."""
    return f"{span // _DAY}d" if span >= _DAY else f"{span // _HOUR}h"
