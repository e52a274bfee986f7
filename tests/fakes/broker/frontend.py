"""A frontend for tests of psictl: psi.sock, which stores into the fake broker's world."""

import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Self

import msgspec

from psi.shared.projection import Coordinate
from tests.fakes.broker.world import World


class FakeFrontend:
    """Listens while it is entered."""

    def __init__(self, path: Path, world: World) -> None:
        self.world = world
        self.path = path
        self.health = 200
        self.refuse: set[str] = set()
        """Keys whose mapping is refused with 403."""
        self.reason = "outside every workload; psictl apply"
        self.stored: list[str] = []
        """Ids, in the order in which they came."""
        self._server: ThreadingUnixStreamServer | None = None

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._server = ThreadingUnixStreamServer(str(self.path), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def store(self, secret_id: str, body: bytes) -> int:
        mapping = msgspec.json.decode(body, type=dict[str, str])
        provider = mapping.pop("provider")
        if mapping.get("key", mapping.get("name")) in self.refuse:
            return 403
        self.stored.append(secret_id)
        if provider == "sealed":
            self.world.registered[secret_id] = mapping["name"]
            return 200
        assert provider == "infisical"
        self.world.mappings[secret_id] = Coordinate(**mapping)
        return 200


def _handler(frontend: FakeFrontend) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._reply(frontend.store(self.path.removeprefix("/store/"), body))

        def do_DELETE(self) -> None:
            frontend.world.mappings.pop(self.path.removeprefix("/delete/"), None)
            self._reply(200)

        def do_GET(self) -> None:
            self._reply(frontend.health)

        def _reply(self, status: int) -> None:
            self.send_response_only(status)
            if status != 200:
                self.send_header("PSI-Reason", frontend.reason)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def address_string(self) -> str:
            return "unix"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
