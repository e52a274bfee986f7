"""A store of sealed secrets, and the handler that a frontend talks to."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from psi.broker.cache import NoCache
from psi.broker.lookup_handler import LookupHandler
from psi.broker.mapping_store import MappingStore
from psi.broker.policy import Policy
from psi.broker.sealed_store import SealedStore
from psi.broker.sealer_client import SealerClient
from psi.broker.values import Values
from psi.shared.audit import Audit
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.base import Reply
from psi.shared.messages.broker import Lookup, StoreMapping
from psi.shared.peer import Peer
from psi.shared.processes import Process
from psi.shared.secret import SecretBytes
from tests.fakes.sealer_stub.stub import SealerStub
from tests.unit.broker_cache.rig import QUICK, HandClock
from tests.unit.broker_refresh.rig import Upstream, projection, source

ID, OTHER = "a" * 25, "b" * 25
BOOT = SecretBytes(b"boot value")


class Rig:
    """A store, and the handler that a frontend talks to."""

    def __init__(self, folder: Path, stub: SealerStub | None, limits: Limits = QUICK) -> None:
        log = Log(Process.BROKER)
        self.folder = folder / "sealed"
        self.clock = HandClock()
        client = SealerClient(str(stub.path), "software", QUICK, log) if stub else None
        self.store = SealedStore(self.folder, client, limits, self.clock, log)
        config = projection(source())
        policy = Policy(config)
        values = Values(config.infisical.projects, policy, NoCache(), Upstream(), self.store, QUICK)
        self.mappings = MappingStore(folder, 100, log)
        audit = Audit(full=False, interval_seconds=3600, stream=io.StringIO())
        self.handler = LookupHandler(self.mappings, policy, values, self.store, audit)
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.task = asyncio.get_running_loop().create_task(self.store.run())

    async def seal(self, name: str = "BOOT", value: SecretBytes = BOOT, **given: bool) -> None:
        await self.store.store(name, value, replace=given.get("replace", False))

    async def register(self, secret_id: str = ID, name: str = "BOOT") -> Reply:
        payload = json.dumps({"provider": "sealed", "name": name}).encode()
        request = StoreMapping(secret_id=secret_id, mapping=payload, claimed_uid=0)
        answer = self.handler(request, Peer(1, 0, 0))
        return answer if isinstance(answer, Reply) else await answer

    async def look_up(self, secret_id: str = ID) -> Reply:
        answer = self.handler(
            Lookup(secret_id=secret_id, claimed_uid=0, claimed_pid=1), Peer(1, 0, 0)
        )
        return answer if isinstance(answer, Reply) else await answer


@asynccontextmanager
async def rig(
    folder: Path, stub: SealerStub | None, *, start: bool = True, limits: Limits = QUICK
) -> AsyncIterator[Rig]:
    made = Rig(folder, stub, limits)
    if start:
        made.start()
    try:
        yield made
    finally:
        if made.task is not None:
            made.task.cancel()
            await asyncio.gather(made.task, return_exceptions=True)


async def restarted(folder: Path, stub: SealerStub) -> SecretBytes | None:
    """Return what a new start has of BOOT, once it has tried."""
    async with rig(folder, stub) as made:
        await made.store.tried.wait()
        return made.store.get("BOOT")
