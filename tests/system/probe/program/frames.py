"""Attempts at a service's protocol: bytes as the plan has them, and what comes back."""

import socket
import time

CLOSED = "closed without a reply"
SILENT = "neither a reply nor the end"
_HEADER_BYTES = 5
"""A protocol number of one byte, a length of four (shared/framing.py)."""
_READ_BYTES = 65536


def _complete(untrusted: bytearray) -> bool:
    length = int.from_bytes(untrusted[1:_HEADER_BYTES], "big")
    return len(untrusted) >= _HEADER_BYTES + length and len(untrusted) >= _HEADER_BYTES


def _listen(client: socket.socket, until: float) -> str:
    """Return the first frame that comes in hexadecimal, or what comes instead."""
    untrusted = bytearray()
    while not _complete(untrusted):
        client.settimeout(max(0.001, until - time.monotonic()))
        try:
            part = client.recv(_READ_BYTES)
        except TimeoutError:
            return SILENT
        except ConnectionResetError:
            part = b""
        if not part:
            return untrusted.hex() or CLOSED
        untrusted += part
    return untrusted.hex()


def _connected(path: str) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    return client


def talk(path: str, frame: str, times: int, within: float) -> str:
    """Send bytes (hexadecimal) so many times over; return what is answered within some seconds."""
    with _connected(path) as client:
        client.settimeout(within)
        try:
            for _ in range(times):
                client.sendall(bytes.fromhex(frame))
        except (BrokenPipeError, ConnectionResetError):
            pass  # closed while we sent, which is an answer too
        return _listen(client, time.monotonic() + within)


def drip(path: str, frame: str, pause: float, within: float) -> str:
    """Send bytes one by one with a pause after each; return what is answered in some seconds."""
    until = time.monotonic() + within
    answer = SILENT
    with _connected(path) as client:
        for byte in bytes.fromhex(frame):
            try:
                client.sendall(bytes([byte]))
            except (BrokenPipeError, ConnectionResetError):
                return CLOSED
            answer = _listen(client, min(until, time.monotonic() + pause))
            if answer != SILENT or time.monotonic() >= until:
                break
    return answer


VERBS = {"talk": talk, "drip": drip}
