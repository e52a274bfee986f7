"""The real sealer process with the software backend, started as systemd would start it."""

from pathlib import Path
from typing import TypeVar

import msgspec

from psi.shared.client import Pool
from psi.shared.errors import Refusal
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.base import Refused, Reply, Request
from psi.shared.processes import Process
from psi.shared.projection import SealerProjection, encode_projection
from tests.fakes.launcher import ServiceProcess, listening
from tests.unit.sealer.samples import HOST_SECRET

R = TypeVar("R", bound=Reply)
_SECONDS = 30


class SealerProcess(ServiceProcess):
    """Its sockets, credentials and state folder below one root."""

    def __init__(self, root: Path, **options: object) -> None:
        paths = {name: root / name for name in ("broker", "ctl")}
        super().__init__("sealer", root, {name: listening(path) for name, path in paths.items()})
        self.state = root / "state"
        self.state.mkdir(mode=0o700)
        facts = {"generation": 1, "config_sha256": "0" * 64, "state_dir": str(self.state)}
        projection = msgspec.convert(facts | {"backend": "software"} | options, SealerProjection)
        (self.credentials / "config.json").write_bytes(encode_projection(projection))
        (self.credentials / "host-secret").write_bytes(HOST_SECRET.reveal())

    def pool(self, caller: Process) -> Pool:
        """Return connections in a caller's role; close them in the same event loop."""
        name = "ctl" if caller is Process.CTL else "broker"
        path = str(self.root / name)
        return Pool(path, caller, Process.SEALER, 4, Limits(), Log(caller))

    async def ask(self, caller: Process, request: Request, kind: type[R]) -> R:
        """Send one request on a connection of its own."""
        pool = self.pool(caller)
        try:
            numbered = msgspec.structs.replace(request, id=pool.next_id())
            reply = await pool.call(numbered, _SECONDS)
        finally:
            pool.close()
        if isinstance(reply, Refused):
            raise Refusal(reply.code, reply.detail)
        assert isinstance(reply, kind)
        return reply

    def maps(self) -> str:
        """Return what is mapped into the process (proc(5))."""
        return Path(f"/proc/{self.pid}/maps").read_text()

    def exit_code(self) -> int:
        """Start it without waiting for READY, and return how it ends."""
        self.process = self._spawn(self.root / "nobody.notify")
        return self.process.wait(_SECONDS)
