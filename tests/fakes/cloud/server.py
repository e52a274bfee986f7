"""A cloud's servers in one real HTTP server, each below a path of its own."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Incoming:
    """A request; header names in lower case, the path below the part's own."""

    part: str
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class Outgoing:
    """An answer."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: object, status: int = 200) -> "Outgoing":
        return cls(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


class Part(Protocol):
    """One of the cloud's servers."""

    def answer(self, request: Incoming) -> Outgoing:
        """Answer a request."""
        ...


class CloudServer:
    """The parts by name, on 127.0.0.1; a context manager.

    `overrides` replaces the answers of a part for a test, `seen` has every request.
    """

    def __init__(self, parts: dict[str, Part]) -> None:
        self.parts = parts
        self.seen: list[Incoming] = []
        self.overrides: dict[str, Outgoing] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, part: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/{part}"

    def paths(self, part: str) -> list[tuple[str, str]]:
        """Return method and path of what a part was asked."""
        return [(one.method, one.path) for one in self.seen if one.part == part]

    def write_endpoints(self, root: Path) -> None:
        """Tell a broker below a development root where this cloud's servers are."""
        addresses = {part: self.url(part) for part in self.parts}
        (root / "dev-platform.json").write_text(json.dumps(addresses))

    def answer(self, request: Incoming) -> Outgoing:
        self.seen.append(request)
        override = self.overrides.get(request.part)
        if override is not None:
            return override
        part = self.parts.get(request.part)
        return part.answer(request) if part is not None else Outgoing(404)


def _handler(cloud: CloudServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            target = urlsplit(self.path)
            _, part, rest = (
                target.path.split("/", 2) if target.path.count("/") > 1 else ("", "", "")
            )
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            request = Incoming(
                part, self.command, f"/{rest}", parse_qs(target.query), headers, body
            )
            answer = cloud.answer(request)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_PUT = do_POST = _serve  # noqa: N815  # http.server looks for these names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # inherited
            del format, args

    return Handler
