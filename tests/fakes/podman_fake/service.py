"""A stand-in for ``podman system service``: the five calls that PSI makes, on a Unix socket.

Replies are shaped as Podman 4.3.1 and 5.4.2 give them (tried with the real services); ``raw``
replaces the reply to a path by any bytes, for the ways in which a service can be broken.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class PodmanService(ThreadingUnixStreamServer):
    """Secrets by name, payloads by name, and the request lines in their order."""

    daemon_threads = True

    def __init__(self, path: Path, version: str) -> None:
        super().__init__(str(path), _Handler)
        self.path = path
        self.version = version
        self.secrets: dict[str, dict[str, Any]] = {}
        self.payloads: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.raw: dict[str, bytes] = {}
        self.stopping = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: curl hangs up at the head of an error."""


class _Handler(BaseHTTPRequestHandler):
    server: PodmanService
    body: bytes

    def do_GET(self) -> None:
        path = self._begin()
        if path is None:
            return
        if path == "_ping":
            self._answer(200, "OK")
        elif path == "version":
            self._answer(200, {"Version": self.server.version})
        elif path == "secrets/json":
            self._answer(200, list(self.server.secrets.values()))
        else:
            name = path.removeprefix("secrets/").removesuffix("/json")
            found = self.server.secrets.get(name)
            self._answer(200, found) if found else self._missing(name)

    def do_POST(self) -> None:
        if self._begin() is None:
            return
        query = parse_qs(urlsplit(self.path).query)
        name, options = query["name"][0], json.loads(query["driveropts"][0])
        if name in self.server.secrets:
            self._answer(500, {"message": f"{name}: secret name in use"})
            return
        key = f"{len(self.server.secrets):025x}"
        driver = {"Name": query["driver"][0], "Options": options}
        self.server.secrets[name] = {"ID": key, "Spec": {"Name": name, "Driver": driver}}
        self.server.payloads[name] = self.body
        self._answer(200, {"ID": key})

    def do_DELETE(self) -> None:
        path = self._begin()
        if path is None:
            return
        name = path.removeprefix("secrets/")
        if self.server.secrets.pop(name, None) is None:
            self._missing(name)
        else:
            self._answer(204, None)

    def _begin(self) -> str | None:
        """Return the path below libpod, or None where a raw reply went out."""
        self.server.requests.append(f"{self.command} {self.path}")
        # Read it all first: a close with unread data would reset the connection.
        self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        path = urlsplit(self.path).path.partition("/libpod/")[2]
        raw = self.server.raw.get(path)
        if raw is None:
            return path
        self.wfile.write(raw)
        if not raw:  # hang until the test is over, as a service that waits for a lock does
            self.server.stopping.wait()
        self.close_connection = True
        return None

    def _missing(self, name: str) -> None:
        text = f'no secret with name or id "{name}": no such secret'
        self._answer(404, {"cause": "no such secret", "message": text, "response": 404})

    def _answer(self, status: int, reply: Any) -> None:
        body = b"" if reply is None else json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Libpod-API-Version", self.server.version)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        """Name the peer: a Unix socket has no address to show."""
        return "unix"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        """Stay silent: the tests look at ``requests``."""


@contextmanager
def podman_service(path: Path, version: str = "5.4.2") -> Iterator[PodmanService]:
    """Serve on the path until the block ends."""
    with PodmanService(path, version) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            server.shutdown()
            thread.join()
