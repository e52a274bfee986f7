"""A cache with its file and a sealer that does as told; two rigs on one folder are a restart."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import uvloop

from psi.broker.cache import CacheEntry, CacheKey, MemoryCache
from psi.broker.cache_keeper import FileKeeper
from psi.broker.cache_payload import Content, encode_payload
from psi.broker.envelope import seal
from psi.broker.sealer_client import SealerClient
from psi.shared.errors import Refusal
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.processes import Process
from psi.shared.secret import SecretBytes
from tests.fakes.sealer_stub.stub import SealerStub, sealer_stub

QUICK = Limits(
    cache_write_seconds=0.02,
    device_retry_seconds=0.02,
    cache_load_seconds=20,
    sealer_seconds=20,
    drain_seconds=20,
)
"""Intervals short, deadlines long: a loaded machine may be slow, but never reaches one."""
SECONDS = 30
T = TypeVar("T")


class HandClock:
    """Clocks that tests move by hand."""

    def __init__(self) -> None:
        self.boot_now = 5000.0
        self.wall_now = 1_700_000_000.0

    def boot(self) -> float:
        return self.boot_now

    def wall(self) -> float:
        return self.wall_now

    def advance(self, seconds: float) -> None:
        self.boot_now += seconds
        self.wall_now += seconds

    def reboot(self, seconds: float = 60) -> None:
        """Begin the boot clock anew, that many seconds later."""
        self.boot_now = 10.0
        self.wall_now += seconds


def key(name: str, path: str = "/app") -> CacheKey:
    return CacheKey("3f2b8c1e-project", "prod", path, name)


def value(text: str) -> SecretBytes:
    return SecretBytes(text.encode())


class Rig:
    """The parts under test, and what a test does with them."""

    def __init__(
        self, folder: Path, stub: SealerStub, limits: Limits, clock: HandClock, stale: float | None
    ) -> None:
        self.folder = folder
        self.stub = stub
        self.clock = clock
        self.sealer = SealerClient(str(stub.path), "software", limits, Log(Process.BROKER))
        self.memory = MemoryCache(clock, stale)
        log = Log(Process.BROKER)
        self.keeper = FileKeeper(self.memory, folder, self.sealer, limits, clock, log)
        self.loader = self.keeper.loader
        self.writer = self.keeper.writer

    @property
    def file(self) -> Path:
        return self.folder / "cache.enc"

    def kept(self) -> list[Path]:
        """Return the files set aside."""
        return sorted(self.folder.glob("cache.enc.unreadable-*"))

    def files(self) -> list[str]:
        """Return the names of all files in the folder."""
        return sorted(path.name for path in self.folder.iterdir())

    def put(self, *names: str) -> None:
        for name in names:
            self.memory.put(key(name), value(f"value of {name}"))

    def names(self) -> set[str]:
        return {each.key for each in self.memory.coordinates()}

    async def written(self) -> None:
        """Wait until nothing is pending and the key of the next file is at hand."""
        await until(lambda: not self.writer.pending and self.writer._ahead is not None)

    async def loaded(self) -> None:
        await asyncio.wait_for(self.loader.loaded.wait(), SECONDS)

    async def crash(self) -> None:
        """End as a kill does: nothing more is written."""
        for task in self.keeper._tasks:
            task.cancel()
        await asyncio.gather(*self.keeper._tasks, return_exceptions=True)
        self.sealer.close()


@asynccontextmanager
async def rig(
    folder: Path,
    stub: SealerStub,
    *,
    limits: Limits = QUICK,
    clock: HandClock | None = None,
    stale: float | None = None,
    start: bool = True,
) -> AsyncIterator[Rig]:
    """Run a cache until the block ends, as a crash: what must be written is written by then."""
    made = Rig(folder, stub, limits, clock or HandClock(), stale)
    if start:
        made.keeper.start()
    try:
        yield made
    finally:
        await made.crash()


@asynccontextmanager
async def one(folder: Path, *, socket: Path | None = None, **given: Any) -> AsyncIterator[Rig]:
    """Run a stub and a rig that is loaded; ``socket`` where it may not be in the folder."""
    path = socket or folder / "sealer.sock"
    async with sealer_stub(path) as stub, rig(folder, stub, **given) as made:
        await made.loaded()
        yield made


async def on_disk(made: Rig) -> Content:
    """Open the file anew, past the rig's memory; raises what opening raises."""
    from psi.broker.cache_opener import open_cache  # noqa: PLC0415  # the one user in tests

    return await open_cache(made.file.read_bytes(), made.sealer, made.clock)


async def names_on_disk(made: Rig) -> set[str]:
    return {each.key for each, _ in (await on_disk(made)).entries}


async def make_file(made: Rig, *names: str, generation: int = 1) -> bytes:
    """Return a whole cache file with these entries, as the rig's own sealer wraps it."""
    ready = await made.sealer.fresh_key("cache", generation)
    entries = [(key(n), CacheEntry(value(f"value of {n}"), made.clock.boot())) for n in names]
    content = encode_payload(entries, generation, made.clock)
    return seal("cache", made.sealer.tag, ready, content)


async def refusal_of(work: Coroutine[Any, Any, object]) -> Refusal:
    try:
        await work
    except Refusal as refusal:
        return refusal
    raise AssertionError("it was not refused")


async def until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Wait until a condition holds; raises AssertionError at the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to hold"
        await asyncio.sleep(0.001)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a test's coroutine on the loop that services use, never longer than a minute."""

    async def bounded() -> T:
        async with asyncio.timeout(60):
            return await work

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(bounded())


def changed(limits: Limits, **fields: float) -> Limits:
    return msgspec.structs.replace(limits, **fields)
