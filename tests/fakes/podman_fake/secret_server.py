"""A tiny HTTP server on a Unix socket that a shell driver's curl can talk to.

It keeps what ``store`` brings and answers ``lookup`` with the value that a test laid down for
that payload, so that Podman is tried without the rest of PSI.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer


class SecretServer(ThreadingUnixStreamServer):
    """What was stored, by id; what to answer, by payload; and the requests in their order."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), _Handler)
        self.path = path
        self.stored: dict[str, bytes] = {}
        self.values: dict[bytes, bytes] = {}
        self.requests: list[str] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: curl hangs up at the head of an error."""


class _Handler(BaseHTTPRequestHandler):
    server: SecretServer

    def do_GET(self) -> None:
        verb, name = self._route()
        if verb == "list":
            self._answer(200, b"")
            return
        value = self.server.values.get(self.server.stored.get(name, b""))
        if verb != "lookup" or value is None:
            self._answer(404, b"no", "unknown id; run psictl setup")
        else:
            self._answer(200, value)

    def do_POST(self) -> None:
        _, name = self._route()
        self.server.stored[name] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, b"")

    def do_DELETE(self) -> None:
        _, name = self._route()
        self.server.stored.pop(name, None)
        self._answer(200, b"")

    def _route(self) -> tuple[str, str]:
        self.server.requests.append(f"{self.command} {self.path}")
        verb, _, name = self.path.removeprefix("/").partition("/")
        return verb, name

    def _answer(self, status: int, body: bytes, reason: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if reason:
            self.send_header("PSI-Reason", reason)
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        """Name the peer: a Unix socket has no address to show."""
        return "unix"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        """Stay silent: the tests look at ``requests``."""


@contextmanager
def secret_server(path: Path) -> Iterator[SecretServer]:
    """Serve on the path until the block ends."""
    with SecretServer(path) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
