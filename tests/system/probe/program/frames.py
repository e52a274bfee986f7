"""Attempts at a service's protocol: bytes as the plan has them, and what comes back."""

import socket
import time

DEADLINE_SECONDS = 12.0
"""More than a server gives a frame that was begun."""
_READ_BYTES = 65536


def _talk(client: socket.socket, untrusted: bytearray, until: float) -> bool:
    """Read until the end; false where it did not come in time."""
    while True:
        client.settimeout(max(0.01, until - time.monotonic()))
        try:
            part = client.recv(_READ_BYTES)
        except TimeoutError:
            return False
        except ConnectionResetError:
            return True
        if not part:
            return True
        untrusted += part


def talk(path: str, frame: str, times: int = 1, end: str = "wait") -> dict[str, object]:
    """Send bytes (hexadecimal) as often as told, and read until the server closes.

    With ``end`` of ``shut`` nothing more will come from here, which a server that waits for a
    next request takes as the end; with ``wait`` only the server ends it.
    """
    started = time.monotonic()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(DEADLINE_SECONDS)
        client.connect(path)
        try:
            for _ in range(times):
                client.sendall(bytes.fromhex(frame))
            if end == "shut":
                client.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # closed while we sent: that is an answer too
        received = bytearray()
        closed = _talk(client, received, started + DEADLINE_SECONDS)
    return _told(received, started, closed=closed)


def drip(path: str, frame: str, seconds: float) -> dict[str, object]:
    """Send bytes one at a time with a pause after each, until the server closes."""
    started = time.monotonic()
    received, closed = bytearray(), False
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(DEADLINE_SECONDS)
        client.connect(path)
        for byte in bytes.fromhex(frame):
            try:
                client.sendall(bytes([byte]))
            except (BrokenPipeError, ConnectionResetError):
                closed = True
            closed = closed or _talk(client, received, time.monotonic() + seconds)
            if closed or time.monotonic() > started + DEADLINE_SECONDS:
                break
    return _told(received, started, closed=closed)


def _told(received: bytearray, started: float, *, closed: bool) -> dict[str, object]:
    seconds = time.monotonic() - started
    return {"reply": received.hex(), "closed": closed, "seconds": round(seconds, 3)}


VERBS = {"talk": talk, "drip": drip}
