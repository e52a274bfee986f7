"""Foreign text made fit to be shown: no control character reaches a terminal, log or header."""

import re
from collections.abc import Mapping

REASON_CHARACTERS = 200
"""The PSI-Reason header: one line that a terminal shows whole."""
VALUE_CHARACTERS = 300
"""Longer values of a log line are cut: it is for reading."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def has_control(text: str) -> bool:
    """Whether text holds a control, line-separating, direction-changing or surrogate character."""
    return _CONTROL.search(text) is not None


def printable(text: str, limit: int = 120) -> str:
    """Return text for a terminal or a log: control characters become ``?``, cut to the limit."""
    cleaned = _CONTROL.sub("?", text[: limit + 1])
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…"


def ascii_line(text: str, limit: int = REASON_CHARACTERS) -> str:
    """Return text as one line of printable ASCII, fit for a header, cut to the limit."""
    cut = text if len(text) <= limit else text[: limit - 3] + "..."
    return "".join(letter if " " <= letter <= "~" else "?" for letter in cut)


def key_value(fields: Mapping[str, object]) -> str:
    """Return fields as ``name=value`` words of one log line, quoted where a value has blanks."""
    return " ".join(f"{name}={_quote(value)}" for name, value in fields.items())


def _quote(value: object) -> str:
    text = printable(str(value), VALUE_CHARACTERS)
    if text and not any(character in text for character in ' "='):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
