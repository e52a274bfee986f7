"""A reply as ``--json`` shows it: every text made fit for a terminal, the envelope left off."""

from typing import Any

import msgspec

from psi.shared.messages.base import Reply
from psi.shared.names import printable

_TEXT_CHARACTERS = 1024
_ENVELOPE = ("id", "type", "next")


def reply_fields(reply: Reply) -> dict[str, Any]:
    """Return a reply's fields; it must hold no secret."""
    fields = msgspec.to_builtins(reply)
    return {name: _cleaned(value) for name, value in fields.items() if name not in _ENVELOPE}


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value, _TEXT_CHARACTERS)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {name: _cleaned(item) for name, item in value.items()}
    return value
