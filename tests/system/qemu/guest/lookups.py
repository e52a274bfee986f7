"""psi.sock as Podman's driver uses it, without a curl for each."""

import http.client
import json
import socket
from typing import Any, Final

SOCKET: Final = "/run/psi/psi.sock"
ANSWER_SECONDS: Final = 240.0
"""A lookup ends within 30 s; one that waits in the socket's queue while its service hangs and is
started anew waits for that too."""


class _Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(ANSWER_SECONDS)
        self.sock.connect(SOCKET)


def ask(method: str, path: str, body: bytes | None = None) -> tuple[int, bytes, str]:
    """Return status, body and the reason that comes with an error."""
    connection = _Connection("localhost")
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("PSI-Reason", "")
    finally:
        connection.close()


def store(secret_id: str, mapping: dict[str, str]) -> int:
    """Register a mapping under an id, as ``podman secret create`` does."""
    return ask("POST", f"/store/{secret_id}", json.dumps(mapping).encode())[0]


def lookup(secret_id: str) -> dict[str, Any]:
    """Ask for a value, as a container's start does."""
    status, body, reason = ask("GET", f"/lookup/{secret_id}")
    return {"status": status, "value": body.decode(), "reason": reason}
