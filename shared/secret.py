"""Bytes that are secret: they print as nothing, compare in constant time, and do not pickle."""

import hmac
from typing import Any, NoReturn

MAX_SECRET_BYTES = 511_999
"""Podman refuses secrets of 512,000 bytes and more (podman-secret-create, "Secret data")."""


DATA_KEY_BYTES = 32
"""AES-256."""


class SecretBytes:
    """A secret value; only :meth:`reveal` gives the bytes, so a reviewer can search for it.

    Best effort: Python cannot wipe bytes, so the guarantee is that no log line, error or
    ``repr`` shows them, not that no copy stays in memory.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """Return the bytes themselves: call it only where they leave the process or are used."""
        return self._value

    def __len__(self) -> int:
        return len(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretBytes):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # a secret as a dict key would be kept by accident

    def __repr__(self) -> str:
        return "SecretBytes(…)"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a SecretBytes is not serialised; encode it by its message type")


class DataKey(SecretBytes):
    """A 256-bit key; any other length is refused at decode."""

    __slots__ = ()


def encode_hook(value: Any) -> Any:
    """Encode a :class:`SecretBytes` field of a MessagePack message (msgspec ``enc_hook``)."""
    if isinstance(value, SecretBytes):
        return value.reveal()
    raise NotImplementedError(type(value).__name__)


def decode_hook(kind: type[Any], value: Any) -> Any:
    """Decode a :class:`SecretBytes` field, at most :data:`MAX_SECRET_BYTES` long.

    Text is accepted for JSON projections, where secrets stand as strings.
    """
    if not issubclass(kind, SecretBytes):
        raise NotImplementedError(kind.__name__)
    if isinstance(value, str):
        value = value.encode()
    if not isinstance(value, bytes):
        raise ValueError("a secret must be bytes")  # noqa: TRY004  # msgspec turns ValueError into a decode error with its path
    if len(value) > MAX_SECRET_BYTES:
        raise ValueError("a secret is at most 511999 bytes")
    if kind is DataKey and len(value) != DATA_KEY_BYTES:
        raise ValueError("a data key is 32 bytes")
    return kind(value)
