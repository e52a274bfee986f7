"""The yardstick of `make bench`: one process, one thread, the standard library's HTTP server.

FROZEN. It stands for the monolithic, single-threaded forerunner of PSI: every goal of the
benchmark is a ratio to what this file reaches on the same machine in the same run. A change here
moves the goal posts and makes old results worthless, so nothing is ever "improved" in it.

As the forerunner does, it answers `GET /lookup/{id}` by reading the mapping file STATE/{id} at
each request and by taking the value from a dict keyed by (project, path, key). HTTP/1.0, a backlog
of 128, no request log, and nothing else: no encryption, no refresh, no limits.

    python benchmarks/baseline.py --socket PATH --state DIR --values FILE.json
"""

import argparse
import base64
import json
import socketserver
from http.server import BaseHTTPRequestHandler
from pathlib import Path

Values = dict[tuple[str, str, str], bytes]


class Server(socketserver.UnixStreamServer):
    """A single-threaded server that knows where the mappings are and holds the values."""

    request_queue_size = 128

    def __init__(self, path: str, state: Path, values: Values) -> None:
        super().__init__(path, Handler)
        self.state = state
        self.values = values


class Handler(BaseHTTPRequestHandler):
    """Answers one lookup per connection."""

    server: Server
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        """Read the mapping of the id and answer with the value that it names."""
        prefix, _, secret_id = self.path.rpartition("/")
        if prefix != "/lookup" or not secret_id.isalnum():
            self.send_error(404)
            return
        try:
            mapping = json.loads((self.server.state / secret_id).read_bytes())
            value = self.server.values[mapping["project"], mapping["path"], mapping["key"]]
        except (FileNotFoundError, KeyError):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(value)))
        self.end_headers()
        self.wfile.write(value)

    def address_string(self) -> str:
        """Name the peer: a Unix socket has no address to take a host from."""
        return "unix"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Log nothing: a line per request would slow the yardstick down."""


def read_values(path: Path) -> Values:
    """Read a JSON list of {"project", "path", "key", "value"}, the value in base64."""
    rows = json.loads(path.read_bytes())
    return {(r["project"], r["path"], r["key"]): base64.b64decode(r["value"]) for r in rows}


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--socket", required=True)
    parser.add_argument("--state", required=True, type=Path)
    parser.add_argument("--values", required=True, type=Path)
    arguments = parser.parse_args()
    with Server(arguments.socket, arguments.state, read_values(arguments.values)) as server:
        print(json.dumps({"ready": True, "http": arguments.socket}), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
