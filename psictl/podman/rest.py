"""Podman by its REST API on a Unix socket (podman-system-service(1))."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from psi.shared.names import printable
from psictl.podman.errors import PodmanError, PodmanUnreachable, refused_call
from psictl.podman.interface import (
    CALL_SECONDS,
    MAX_REPLY_BYTES,
    PodmanSecret,
    is_id,
    require_name,
)
from psictl.podman.listing import decode_secret, decode_secrets
from psictl.podman.version import Version

PODMAN_SOCKET: Final = Path("/run/podman/podman.sock")
"""Where podman.socket listens for the system's Podman."""
CONNECT_SECONDS: Final = 5.0
"""systemd accepts at once; a socket that does not is not served."""
_API_VERSION_HEADER: Final = "Libpod-API-Version"


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: httpx.Headers
    body: bytes


class RestPodman:
    """The service behind a Unix socket; ``seconds`` is the deadline of one exchange."""

    def __init__(self, socket: Path = PODMAN_SOCKET, seconds: float = CALL_SECONDS) -> None:
        self.socket = socket
        self.seconds = seconds
        self._known_prefix: str | None = None
        # A connection for each call: the socket-activated service ends when it is idle for 5 s,
        # and a kept connection would then fail the next call.
        transport = httpx.HTTPTransport(
            uds=str(socket), limits=httpx.Limits(max_keepalive_connections=0)
        )
        timeout = httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds))
        self._client = httpx.Client(transport=transport, timeout=timeout, trust_env=False)

    def version(self) -> Version:
        """Return the service's version."""
        reply = self._exchange("GET", f"{self._prefix()}/version")
        told = _field(reply.body, "Version") if reply.status == 200 else None
        if told is None:
            raise self._unexpected("tell its version", reply)
        return Version.parse(told)

    def secrets(self) -> list[PodmanSecret]:
        """Return all secrets that PSI could have named."""
        reply = self._exchange("GET", f"{self._prefix()}/secrets/json")
        if reply.status != 200:
            raise self._unexpected("list its secrets", reply)
        return decode_secrets(reply.body)

    def inspect(self, name: str) -> PodmanSecret | None:
        """Return the secret of that name without its value, or None."""
        reply = self._exchange("GET", f"{self._prefix()}/secrets/{require_name(name)}/json")
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise self._unexpected(f"inspect secret {name}", reply)
        secret = decode_secret(reply.body)
        return secret if secret is not None and secret.name == name else None

    def create(self, name: str, payload: bytes, options: Mapping[str, str]) -> str:
        """Create a secret of the shell driver and return its id; raises NameInUse."""
        query = {
            "name": require_name(name),
            "driver": "shell",
            "driveropts": msgspec.json.encode(dict(options)).decode(),
        }
        path = f"{self._prefix()}/secrets/create"
        reply = self._exchange("POST", path, params=query, content=payload)
        told = _field(reply.body, "ID") if reply.status in {200, 201} else None
        if told is None or not is_id(told):
            raise self._unexpected(f"create secret {name}", reply)
        return told

    def remove(self, name: str) -> None:
        """Remove a secret; raises NoSuchSecret."""
        reply = self._exchange("DELETE", f"{self._prefix()}/secrets/{require_name(name)}")
        if reply.status not in {200, 204}:
            raise self._unexpected(f"remove secret {name}", reply)

    def _prefix(self) -> str:
        """Ask the unversioned ping which API the service has: 4 knows no ``/v5.0.0``."""
        if self._known_prefix is not None:
            return self._known_prefix
        reply = self._exchange("GET", "/libpod/_ping")
        told = reply.headers.get(_API_VERSION_HEADER)
        if reply.status != 200 or told is None:
            raise self._unexpected("answer a ping", reply)
        api = "v5.0.0" if Version.parse(told).major >= 5 else "v4.0.0"
        self._known_prefix = f"/{api}/libpod"
        return self._known_prefix

    def _exchange(self, method: str, path: str, **request: Any) -> _Reply:
        deadline = time.monotonic() + self.seconds
        try:
            with self._client.stream(method, f"http://podman{path}", **request) as reply:
                body = self._read(reply, deadline)
                return _Reply(reply.status_code, reply.headers, body)
        except httpx.TimeoutException as error:
            raise self._too_slow() from error
        except httpx.TransportError as error:
            raise PodmanUnreachable(
                f"Podman's socket {self.socket} does not answer ({printable(str(error))}): "
                "systemctl enable --now podman.socket"
            ) from error

    def _read(self, reply: httpx.Response, deadline: float) -> bytes:
        """Read a body within the deadline: httpx's own timeouts hold for each read only (r11)."""
        body = bytearray()
        for chunk in reply.iter_bytes():
            body += chunk
            if len(body) > MAX_REPLY_BYTES:
                raise PodmanError(
                    f"Podman's reply is over {MAX_REPLY_BYTES} bytes: see `podman secret ls`"
                )
            if time.monotonic() > deadline:
                raise self._too_slow()
        return bytes(body)

    def _too_slow(self) -> PodmanUnreachable:
        return PodmanUnreachable(
            f"Podman's socket {self.socket} did not answer within {self.seconds:g} s: "
            "a lookup that hangs holds Podman's lock; see `psictl status`"
        )

    def _unexpected(self, doing: str, reply: _Reply) -> PodmanError:
        said = _field(reply.body, "message") or f"HTTP {reply.status}"
        return refused_call(doing, said)


def _field(body: bytes, name: str) -> str | None:
    """Return a text field of a JSON object, or None where there is none."""
    try:
        reply = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    told = reply.get(name) if isinstance(reply, dict) else None
    return told if isinstance(told, str) else None
