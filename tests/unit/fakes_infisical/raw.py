"""A client that sees bytes: what a fault really puts on the wire."""

import socket
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

DEADLINE = 10.0  # seconds; no answer of the stand-in takes longer unless it hangs


class RawClient:
    """One connection to a stand-in; a context manager that closes it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), DEADLINE)
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.socket.close()

    def get(self, path: str = "/api/status", headers: str = "") -> Self:
        """Send a GET; `headers` are lines that end with CR LF."""
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
        return self

    def head(self) -> tuple[int, dict[str, str]]:
        """Read status and headers."""
        while b"\r\n\r\n" not in self._buffer:
            self._buffer += self._some()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = (line.partition(": ") for line in lines)
        return int(first.split()[1]), {name: value for name, _, value in fields}

    def _some(self) -> bytes:
        data = self.socket.recv(65_536)
        assert data, f"the connection ended after {self._buffer!r}"
        return data

    def exactly(self, count: int) -> bytes:
        """Read so many bytes."""
        parts, missing = [self._buffer[:count]], count - len(self._buffer)
        self._buffer = self._buffer[count:]
        while missing > 0:
            data = self._some()
            parts.append(data[:missing])
            self._buffer = data[missing:]
            missing -= len(data)
        return b"".join(parts)

    def response(self) -> tuple[int, dict[str, str], bytes]:
        """Read one whole response."""
        status, headers = self.head()
        return status, headers, self.exactly(int(headers["content-length"]))

    def rest(self) -> bytes:
        """Read until the server closes."""
        parts = [self._buffer]
        while data := self.socket.recv(65_536):
            parts.append(data)
        self._buffer = b""
        return b"".join(parts)

    def nothing_waits(self) -> bool:
        """Tell whether there is no byte to read at this moment."""
        self.socket.setblocking(False)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return not self._buffer
        else:
            return False
        finally:
            self.socket.settimeout(DEADLINE)
