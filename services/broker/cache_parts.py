"""The cache as configured: nothing, memory, or memory with a file and the sealer behind it."""

from pathlib import Path
from typing import Literal, NamedTuple

from psi.broker.cache import Cache, MemoryCache, NoCache
from psi.broker.cache_keeper import FileKeeper, Keeper, MemoryKeeper
from psi.broker.infisical.clock import Clock
from psi.broker.sealer_client import SEALER_SOCKET, SealerClient
from psi.shared.lifecycle import socket_path
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.projection import BrokerProjection


class CacheParts(NamedTuple):
    """What belongs together; ``memory`` and ``sealer`` are None where there is none."""

    backend: Literal["none", "memory", "tpm", "hsm", "software"]
    cache: Cache
    memory: MemoryCache | None
    keeper: Keeper
    sealer: SealerClient | None

    def start(self) -> None:
        """Begin to load the file, where there is one."""
        if isinstance(self.keeper, FileKeeper):
            self.keeper.start()

    async def settled(self) -> None:
        """Return when it is loaded or need not be waited for."""
        if isinstance(self.keeper, FileKeeper):
            await self.keeper.settled()

    def last_contact(self) -> float:
        """Return when Infisical was last seen by what the file holds: wall time, 0 if unknown."""
        return self.keeper.loader.contact if isinstance(self.keeper, FileKeeper) else 0.0

    async def close(self) -> None:
        """Write what is pending, and leave the sealer."""
        if isinstance(self.keeper, FileKeeper):
            await self.keeper.close()
        if self.sealer is not None:
            self.sealer.close()


def make_cache(projection: BrokerProjection, limits: Limits, clock: Clock, log: Log) -> CacheParts:
    """Put the configured cache together; nothing is read or asked yet."""
    backend = projection.cache
    if backend == "none":
        return CacheParts(backend, NoCache(), None, MemoryKeeper(MemoryCache(clock)), None)
    memory = MemoryCache(clock, projection.max_stale)
    if backend == "memory":
        return CacheParts(backend, memory, memory, MemoryKeeper(memory), None)
    sealer = SealerClient(socket_path(SEALER_SOCKET), backend, limits, log)
    folder = Path(projection.state_dir)
    keeper = FileKeeper(memory, folder, sealer, limits, clock, log)
    return CacheParts(backend, memory, memory, keeper, sealer)
