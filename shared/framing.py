"""Frames: one byte of protocol number, four bytes of length, then a MessagePack message.

The cap is checked before the body is read. On another protocol number the server answers the
one fixed byte :data:`WRONG_PROTOCOL` and closes; a client holds its request and reconnects
until its deadline, so that an upgrade loses nothing (r26).
"""

import struct
from collections.abc import Iterator

from psi.shared.errors import ProtocolError

PROTOCOL = 1
WRONG_PROTOCOL = b"\x15"
"""ASCII NAK: never the first byte of a frame of any protocol."""
_HEADER = struct.Struct("!BI")
HEADER_BYTES = _HEADER.size


class WrongProtocolError(ProtocolError):
    """The peer speaks another protocol number."""


def pack(body: bytes) -> bytes:
    """Return the frame of an encoded message."""
    return _HEADER.pack(PROTOCOL, len(body)) + body


def body_length(header: bytes | bytearray, cap: int) -> int:
    """Return the length that a header announces.

    Raises WrongProtocolError for another protocol number, ProtocolError above ``cap`` bytes or
    for an empty body.
    """
    number, length = _HEADER.unpack_from(header)
    if number != PROTOCOL:
        raise WrongProtocolError(f"the peer speaks protocol {number}, this is {PROTOCOL}")
    if not 0 < length <= cap:
        raise ProtocolError(f"a frame of {length} bytes; the cap is {cap}")
    return int(length)


class FrameReader:
    """Cuts a stream into frames, holding at most one frame and what came with it."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._buffer = bytearray()

    @property
    def partial(self) -> bool:
        """Whether a frame was begun and not finished."""
        return bool(self._buffer)

    def whole(self, data: bytes) -> bytes | None:
        """Return the body where ``data`` is one frame and nothing was begun, else None.

        The usual case, on the path that a container start waits for: no copy into the buffer.
        Raises as :func:`body_length`.
        """
        if self._buffer or len(data) < HEADER_BYTES:
            return None
        if len(data) != HEADER_BYTES + body_length(data, self._cap):
            return None
        return data[HEADER_BYTES:]

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield each body that ``data`` completes; raises as :func:`body_length`."""
        self._buffer += data
        while self._buffer:
            if len(self._buffer) < HEADER_BYTES:
                if self._buffer[0] != PROTOCOL:
                    raise WrongProtocolError(f"the peer speaks protocol {self._buffer[0]}")
                return
            end = HEADER_BYTES + body_length(self._buffer, self._cap)
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[HEADER_BYTES:end])
            del self._buffer[:end]
            yield body
