"""The real sealer process, started as systemd would start it."""

import asyncio
import time
from pathlib import Path
from typing import TypeVar

import msgspec

from psi.shared.client import Pool
from psi.shared.errors import Refusal
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.base import Refused, Reply, Request
from psi.shared.messages.sealer import (
    Provision,
    ProvisionReply,
    SealerStatus,
    SealerStatusReply,
    UnwrapKey,
    UnwrapKeyReply,
    WrapKey,
    WrapKeyReply,
)
from psi.shared.processes import Process
from psi.shared.projection import SealerProjection, encode_projection
from psi.shared.secret import DataKey, SecretBytes, decode_hook
from tests.fakes.launcher import ServiceProcess, listening
from tests.unit.sealer.samples import HOST_SECRET

KEY = DataKey(b"d" * 32)
"""The sample data key."""
R = TypeVar("R", bound=Reply)
_SECONDS = 30


class SealerProcess(ServiceProcess):
    """Its sockets, credentials and state folder below one root."""

    def __init__(
        self,
        root: Path,
        *,
        device: dict[str, str] | None = None,
        limits: dict[str, float] | None = None,
        **options: object,
    ) -> None:
        """``device`` is what leads a module to its token; ``options`` go into the projection."""
        sockets = {name: listening(root / name) for name in ("broker", "ctl")}
        super().__init__("sealer", root, sockets, limits=limits)
        self._device = device or {}
        self.state = root / "state"
        self.state.mkdir(mode=0o700)
        facts = {"generation": 1, "config_sha256": "0" * 64, "state_dir": str(self.state)}
        self.facts = facts | {"backend": "software"} | options
        self.configure()
        (self.credentials / "host-secret").write_bytes(HOST_SECRET.reveal())

    def configure(self, **options: object) -> None:
        """Write the projection, for the next start."""
        self.facts |= options
        projection = msgspec.convert(self.facts, SealerProjection, dec_hook=decode_hook)
        (self.credentials / "config.json").write_bytes(encode_projection(projection))

    def environment(self, notify: Path) -> dict[str, str]:
        """Add what leads a module to its token."""
        return super().environment(notify) | self._device

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

    def do(self, request: Request, kind: type[R]) -> R:
        """Send one request on the control socket."""
        return asyncio.run(self.ask(Process.CTL, request, kind))

    def provision(self, *, recovery: bool = False, force: bool = False) -> SecretBytes | None:
        """Make the key; return the printed recovery key."""
        return self.do(Provision(recovery=recovery, force=force), ProvisionReply).recovery_key

    def wrap(self) -> bytes:
        """Wrap the sample data key."""
        request = WrapKey(purpose="token", generation=3, key=KEY)
        return asyncio.run(self.ask(Process.BROKER, request, WrapKeyReply)).wrapped

    def unwrap(self, wrapped: bytes) -> DataKey:
        """Unwrap it."""
        request = UnwrapKey(purpose="token", generation=3, wrapped=wrapped)
        return asyncio.run(self.ask(Process.BROKER, request, UnwrapKeyReply)).key

    def status(self) -> SealerStatusReply:
        """Ask how it is, as the broker does."""
        return asyncio.run(self.ask(Process.BROKER, SealerStatus(), SealerStatusReply))

    def in_state(self, state: str, code: str = "") -> SealerStatusReply:
        """Wait for a state; raises AssertionError at the deadline."""
        deadline = time.monotonic() + _SECONDS
        while True:
            found = self.status()
            if (found.state, found.code) == (state, code):
                return found
            assert time.monotonic() < deadline, f"{found.state} {found.code}: {found.detail}"

    def maps(self) -> str:
        """Return what is mapped into the process (proc(5))."""
        return Path(f"/proc/{self.pid}/maps").read_text()

    def exit_code(self) -> int:
        """Start it without waiting for READY, and return how it ends."""
        self.process = self._spawn(self.root / "nobody.notify")
        return self.process.wait(_SECONDS)
