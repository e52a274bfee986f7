"""A client of psi.sock that sends whatever bytes it is given, and reads replies strictly."""

import socket
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PATIENCE_SECONDS = 20
"""Longer than any deadline of these tests: what takes this long hangs."""


class Answer(NamedTuple):
    """One HTTP reply."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def reason(self) -> str:
        """The PSI-Reason header."""
        return self.headers["psi-reason"]


def connect(path: Path, seconds: float = PATIENCE_SECONDS) -> socket.socket:
    """Return a connected client."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(seconds)
    client.connect(str(path))
    return client


def read_all(client: socket.socket) -> bytes:
    """Read until the end; a reset, as for input that was not read, ends it too."""
    parts = []
    with suppress(ConnectionResetError):
        while part := client.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def send(path: Path, data: bytes, *, half_close: bool = False) -> bytes:
    """Send bytes on a fresh connection and return all that comes back."""
    with connect(path) as client:
        with suppress(BrokenPipeError):  # refused before it was all sent; the reply is there
            client.sendall(data)
        if half_close:
            client.shutdown(socket.SHUT_WR)
        return read_all(client)


def answer_of(data: bytes) -> Answer:
    """Return the one reply that these bytes are; fails where curl could be misled."""
    head, separator, body = data.partition(b"\r\n\r\n")
    assert separator, data
    line, *fields = head.decode("ascii").split("\r\n")
    version, status, _ = line.split(" ", 2)
    assert version == "HTTP/1.1"
    headers = {}
    for field in fields:
        name, _, value = field.partition(": ")
        assert name.lower() not in headers, field
        headers[name.lower()] = value
    assert headers["content-length"] == str(len(body)), "curl would take a cut reply for whole"
    assert headers["connection"] == "close"
    assert status == "200" or status[0] in "45", "curl would take the body for the value"
    return Answer(int(status), headers, body)


def exchange(path: Path, data: bytes) -> Answer:
    """Send bytes, return the reply."""
    return answer_of(send(path, data))


def request(method: str, target: str, body: bytes = b"", **headers: str) -> bytes:
    """Return a request as curl writes it; underscores in header names become dashes."""
    fields = {"Host": "localhost", "User-Agent": "curl/7.88.1", "Accept": "*/*"}
    if body:
        fields["Content-Length"] = str(len(body))
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + body


def ask(path: Path, method: str, target: str, body: bytes = b"", **headers: str) -> Answer:
    """Make a request and return the reply."""
    return exchange(path, request(method, target, body, **headers))


def look_up(path: Path, secret_id: str) -> Answer:
    """Ask for a value."""
    return ask(path, "GET", f"/lookup/{secret_id}")
