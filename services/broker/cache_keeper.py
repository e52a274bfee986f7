"""The cache and its file as one: what the rest of the broker sees of persistence."""

import asyncio
from pathlib import Path
from typing import Protocol

from psi.broker.cache import CacheKey, MemoryCache
from psi.broker.cache_file import CacheFile
from psi.broker.cache_loader import CacheLoader
from psi.broker.cache_opener import open_cache
from psi.broker.cache_writer import CacheWriter
from psi.broker.envelope import DamagedEnvelope
from psi.broker.infisical.clock import Clock
from psi.broker.sealer_client import SealerClient
from psi.shared.errors import PsiError, Refusal
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.broker import BrokerError


class Keeper(Protocol):
    """Where removals and refreshes go, whether there is a file or not."""

    async def remove(self, keys: list[CacheKey]) -> int:
        """Drop entries for good; raises Refusal where that is not certain."""
        ...

    async def clear(self) -> int:
        """Drop every entry for good, of files set aside too; raises Refusal as :meth:`remove`."""
        ...

    async def refreshed(self, *, contact: bool) -> None:
        """Note whether Infisical confirmed anything, and try again what could not be opened."""
        ...


class MemoryKeeper:
    """No file: what is dropped from memory is gone."""

    def __init__(self, memory: MemoryCache) -> None:
        self._memory = memory

    async def remove(self, keys: list[CacheKey]) -> int:
        """Drop entries from memory."""
        return self._memory.remove(keys)

    async def clear(self) -> int:
        """Drop all entries from memory."""
        return self._memory.remove(list(self._memory.coordinates()))

    async def refreshed(self, *, contact: bool) -> None:
        """Do nothing: there is no file."""


class FileKeeper:
    """The cache with its file."""

    def __init__(
        self,
        memory: MemoryCache,
        folder: Path,
        sealer: SealerClient,
        limits: Limits,
        clock: Clock,
        log: Log,
    ) -> None:
        self._memory = memory
        self._file = CacheFile(folder)
        self._sealer = sealer
        self._clock = clock
        self._limits = limits
        self._log = log
        self.loader = CacheLoader(memory, self._file, sealer, limits, clock, log)
        self.writer = CacheWriter(memory, self._file, self.loader, sealer, limits, clock, log)
        memory.changed = self.writer.note_change
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to load and to write."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self.loader.run()), loop.create_task(self.writer.run())]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Log a fault that ended a task: without it the cache would stop being kept in silence."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._log.fault("cache.task-ended", error)

    async def settled(self) -> None:
        """Return when the file is loaded, or is not to be had for now."""
        await self.loader.settled.wait()

    async def remove(self, keys: list[CacheKey]) -> int:
        """Drop entries, on disk before this returns."""
        return await self.writer.remove(keys)

    async def clear(self) -> int:
        """Drop all entries, on disk before this returns; what was set aside is merged no more."""
        try:
            await asyncio.to_thread(self._file.discard_kept)
        except OSError as error:
            detail = f"the files set aside cannot be renamed: {error.strerror}; see df and owners"
            raise Refusal(BrokerError.FULL, detail) from error
        return await self.writer.remove(list(self._memory.coordinates()))

    async def refreshed(self, *, contact: bool) -> None:
        """Write the new ages, see that the file still opens, and try those that were set aside."""
        if contact:
            self.writer.note_change()
        if self.loader.loaded.is_set():
            await self.writer.recheck()
            await self.loader.merge_kept()

    async def close(self) -> None:
        """Write what is pending; the key for it is at hand, so no one is asked (r23).

        Raises Refusal where the last write fails, TimeoutError after ``drain_seconds``.
        """
        async with asyncio.timeout(self._limits.drain_seconds):
            # A write under way finishes first: its thread would go on after a cancellation,
            # and could rename its older content over the last write's.
            async with self.writer.paused():
                for task in self._tasks:
                    task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self.writer.flush()

    async def verify(self) -> int:
        """Decrypt the file as it is on disk and return how many entries it has; raises Refusal."""
        try:
            blob = await asyncio.to_thread(self._file.read)
            if blob is None:
                return 0
            return len((await open_cache(blob, self._sealer, self._clock)).entries)
        except DamagedEnvelope as error:
            raise Refusal(BrokerError.SEALER, f"cache.enc is damaged: {error}") from error
        except PsiError as error:
            raise Refusal(BrokerError.SEALER, str(error)) from error
        except OSError as error:
            detail = f"cache.enc cannot be read: {error.strerror}"
            raise Refusal(BrokerError.SEALER, detail) from error

    async def files(self) -> tuple[int, list[str]]:
        """Return the file's size and the names of files set aside."""
        return await asyncio.to_thread(lambda: (self._file.size(), self._file.kept()))
