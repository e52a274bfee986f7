"""The whole sealer in this process, on real sockets, with a device that a test scripts."""

import io
import os
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from psi.sealer.assembly import Sealer
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
from psi.shared.peer import DEVELOPMENT_UID
from psi.shared.processes import Process
from psi.shared.projection import Pkcs11Options, SealerProjection
from psi.shared.secret import DataKey, SecretBytes
from tests.fakes.launcher import listening
from tests.unit.sealer.samples import HOST_SECRET
from tests.unit.sealer.scripted_device import ScriptedDevice
from tests.unit.sealer.waiting import until

R = TypeVar("R", bound=Reply)
KEY = DataKey(b"\xd7data key of a file, not to be seen"[:32])
_SECONDS = 30
TOKEN = Pkcs11Options(module="/usr/lib/token.so", token_label="psi", key_label="psi")


class Running:
    """A sealer that serves, and both callers' connections to it."""

    def __init__(self, sealer: Sealer, folder: Path, limits: Limits) -> None:
        self.sealer = sealer
        self.folder = folder
        self.ctl = Pool(str(folder / "ctl"), Process.CTL, Process.SEALER, 4, limits, _log())
        self.broker = Pool(
            str(folder / "broker"), Process.BROKER, Process.SEALER, 4, limits, _log()
        )

    async def control(self, request: Request, kind: type[R]) -> R:
        return await ask(self.ctl, request, kind)

    async def status(self) -> SealerStatusReply:
        return await ask(self.broker, SealerStatus(), SealerStatusReply)

    async def provision(self, *, recovery: bool = False, force: bool = False) -> SecretBytes | None:
        request = Provision(recovery=recovery, force=force)
        return (await self.control(request, ProvisionReply)).recovery_key

    async def wrap(self, key: DataKey = KEY, generation: int = 1) -> bytes:
        request = WrapKey(purpose="cache", generation=generation, key=key)
        return (await ask(self.broker, request, WrapKeyReply)).wrapped

    async def unwrap(self, wrapped: bytes, generation: int = 1) -> DataKey:
        request = UnwrapKey(purpose="cache", generation=generation, wrapped=wrapped)
        return (await ask(self.broker, request, UnwrapKeyReply)).key

    async def in_state(self, state: str, code: str = "") -> SealerStatusReply:
        """Wait for a state, asking no device."""
        holder = self.sealer.holder

        def reached() -> bool:
            found = holder.failure.code if holder.failure else ""
            return (holder.state, found) == (state, code)

        await until(reached, f"{state} {code}, not {holder.state} {holder.failure}")
        return await self.status()


async def ask(pool: Pool, request: Request, kind: type[R]) -> R:
    numbered = msgspec.structs.replace(request, id=pool.next_id())
    reply = await pool.call(numbered, _SECONDS)
    if isinstance(reply, Refused):
        raise Refusal(reply.code, reply.detail)
    assert isinstance(reply, kind)
    return reply


async def refused(work: Awaitable[object]) -> Refusal:
    """Return the refusal that a call ends with."""
    with pytest.raises(Refusal) as caught:
        await work
    assert caught.value.detail
    return caught.value


@asynccontextmanager
async def running(
    folder: Path,
    device: ScriptedDevice,
    *,
    hold: str = "open",
    limits: Limits | None = None,
    pin: bytes | None = None,
    host_secret: SecretBytes = HOST_SECRET,
) -> AsyncIterator[Running]:
    """Serve until the block ends; the state stays in the folder, as over a restart."""
    os.environ[DEVELOPMENT_UID] = str(os.getuid())
    limits = limits or Limits(device_retry_seconds=0.02)
    state = folder / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    projection = SealerProjection(
        generation=1,
        config_sha256="0" * 64,
        state_dir=str(state),
        backend=device.kind,
        hold=hold,  # type: ignore[arg-type]  # a test's word
        pkcs11=TOKEN,
    )
    secret = SecretBytes(pin) if pin is not None else None
    sealer = Sealer(projection, device.backend, host_secret, secret, limits, _log())
    sealer.audit._stream = io.StringIO()
    sockets = {}
    for name in ("broker", "ctl"):
        (folder / name).unlink(missing_ok=True)
        sockets[name] = listening(folder / name)
    await sealer.serve(sockets)
    run = Running(sealer, folder, limits)
    try:
        yield run
    finally:
        device.release.set()
        run.ctl.close()
        run.broker.close()
        await sealer.drain()


def _log() -> Log:
    return Log(Process.SEALER)
