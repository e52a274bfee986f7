"""The real pki process and the broker behind it, started as systemd would start them."""

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

from msgspec import msgpack

from psi.shared.client import Pool
from psi.shared.framing import pack
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.base import Message, Reply, Request
from psi.shared.messages.broker import BrokerStatus, BrokerStatusReply
from psi.shared.messages.pki import PkiStatus, PkiStatusReply
from psi.shared.processes import Process
from psi.shared.projection import BrokerProjection, Infisical, UniversalAuth
from psi.shared.secret import SecretBytes, encode_hook
from tests.fakes.launcher import ServiceProcess, listening

PKI = {"ctl": "run/psi-ctl/pki.sock"}
BROKER = {
    "frontend": "run/psi-ipc/broker-frontend/sock",
    "pki": "run/psi-ipc/broker-pki/sock",
    "ctl": "run/psi-ctl/broker.sock",
}
_SECONDS = 30


class Closing(ServiceProcess):
    """A service whose sockets end with it."""

    paths: dict[str, str]
    peer_uid = os.getuid()

    def environment(self, notify: Path) -> dict[str, str]:
        return super().environment(notify) | {"PSI_DEV_PEER_UID": str(self.peer_uid)}

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        for name, listener in self.sockets.items():
            listener.close()
            (self.root / self.paths[name]).unlink()

    def ask(self, request: Request) -> Reply:
        """Send one request to the control socket; raises PsiError."""
        return asyncio.run(self._ask(request))

    async def _ask(self, request: Request) -> Reply:
        path = str(self.root / self.paths["ctl"])
        pool = Pool(path, Process.CTL, Process(self.name), 1, Limits(), Log(Process.CTL))
        try:
            return await pool.call(request, _SECONDS)
        finally:
            pool.close()

    def refusals(self) -> list[str]:
        """Return the log's lines about peers that were closed."""
        return [line for line in self.text().splitlines() if "peer.closed" in line]


class PkiProcess(Closing):
    """pki on its control socket."""

    paths = PKI

    def __init__(self, root: Path, **options: Any) -> None:
        super().__init__("pki", root, _listening(root, PKI), **options)

    def status(self) -> PkiStatusReply:
        reply = self.ask(PkiStatus())
        assert isinstance(reply, PkiStatusReply), reply
        return reply


class BrokerProcess(Closing):
    """A broker that keeps nothing and whose Infisical is away: neither is needed here."""

    paths = BROKER

    def __init__(self, root: Path) -> None:
        state = root / "state"
        state.mkdir()
        auth = UniversalAuth(client_id="machine", client_secret=SecretBytes(b"hunter2"))
        projection = BrokerProjection(
            generation=1,
            config_sha256="ab" * 32,
            state_dir=str(state),
            infisical=Infisical(api_url="http://127.0.0.1:9", auth=auth),
        )
        super().__init__("broker", root, _listening(root, BROKER), projection=projection)

    def status(self) -> BrokerStatusReply:
        reply = self.ask(BrokerStatus())
        assert isinstance(reply, BrokerStatusReply), reply
        return reply


def _listening(root: Path, paths: dict[str, str]) -> dict[str, socket.socket]:
    return {name: listening(root / path) for name, path in paths.items()}


def framed(message: Message) -> bytes:
    """Return a message in its frame."""
    return pack(msgpack.encode(message, enc_hook=encode_hook))


def unknown(tag: str, **fields: object) -> bytes:
    """Return a message that no version of the suite knows yet, in its frame."""
    return pack(msgpack.encode({"type": tag, "id": 1, **fields}))


def talk(path: Path, frame: bytes) -> bytes:
    """Send a frame; return what comes back, and nothing where the connection is closed."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_SECONDS)
        connection.connect(str(path))
        try:
            connection.sendall(frame)
            return connection.recv(4096)
        except ConnectionError:  # closed before or after it was sent
            return b""
