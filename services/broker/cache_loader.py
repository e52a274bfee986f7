"""Loading ``cache.enc`` at start, however long the sealer takes, without losing a file (r8).

A file that cannot be opened now, because the sealer or its device is away or refuses, stays
where it is and is tried again; nothing is written meanwhile. One that can never be opened,
damaged or of another key, is set aside, and its entries are merged should that change.
"""

import asyncio

from psi.broker.cache import CacheKey, MemoryCache
from psi.broker.cache_file import CacheFile
from psi.broker.cache_opener import open_cache
from psi.broker.cache_payload import Content
from psi.broker.envelope import DamagedEnvelope
from psi.broker.infisical.clock import Clock
from psi.broker.sealer_client import SealerClient, SealerRefusal
from psi.shared.errors import PsiError
from psi.shared.limits import Limits
from psi.shared.log import Log


class CacheLoader:
    """Brings the file's entries into memory; ``loaded`` allows writing."""

    def __init__(
        self,
        memory: MemoryCache,
        file: CacheFile,
        sealer: SealerClient,
        limits: Limits,
        clock: Clock,
        log: Log,
    ) -> None:
        self._memory = memory
        self._file = file
        self._sealer = sealer
        self._limits = limits
        self._clock = clock
        self._log = log
        self.loaded = asyncio.Event()
        self.settled = asyncio.Event()
        """Loaded, or known not to load soon: the service need not wait any longer."""
        self.detail = ""
        self.generation = 0
        self.written_at = 0.0
        self.contact = 0.0
        """When Infisical was last seen by what the file holds: wall time, 0 if not known."""
        self.removed: set[CacheKey] = set()
        """Removed since, so not to come back from a file that is loaded or merged later (r30)."""
        self.merged: list[str] = []
        """Files set aside whose entries are in memory, to be forgotten after the next write."""

    async def run(self) -> None:
        """Load, again and again until that is done."""
        while not await self._attempt():
            self.settled.set()
            await asyncio.sleep(self._limits.device_retry_seconds)
        self.loaded.set()
        self.settled.set()
        await self.merge_kept()

    async def _attempt(self) -> bool:
        try:
            began = self._clock.boot()
            blob = await asyncio.to_thread(self._file.read)
            if blob is not None:
                self._take(await open_cache(blob, self._sealer, self._clock), began)
        except DamagedEnvelope as error:
            return await self._set_aside(str(error))
        except SealerRefusal as error:
            if error.final:
                return await self._set_aside(str(error))
            return self._failed(f"cache.enc cannot be opened: {error}")
        except PsiError as error:
            return self._failed(f"cache.enc waits for the sealer: {error}")
        except OSError as error:
            return self._failed(f"cache.enc cannot be read: {error.strerror}; see its owner")
        self.detail = ""
        return True

    def _take(self, opened: Content, began: float) -> None:
        if any(key in self.removed for key, _ in opened.entries):
            self._memory.changed()  # the file still has what is removed
        self.removed.update(opened.removed)
        self.generation = opened.generation
        self.written_at = opened.written_at
        self.contact = opened.contact
        count = self._merge(opened)
        seconds = f"{self._clock.boot() - began:.3f}"
        self._log.info("cache.loaded", entries=count, generation=opened.generation, seconds=seconds)

    def _merge(self, opened: Content) -> int:
        return self._memory.merge(e for e in opened.entries if e[0] not in self.removed)

    def _failed(self, detail: str) -> bool:
        if detail != self.detail:
            self._log.warning("cache.unreadable", cause=detail)
        self.detail = detail
        return False

    async def _set_aside(self, cause: str) -> bool:
        try:
            kept = await asyncio.to_thread(self._file.set_aside)
        except OSError as error:
            return self._failed(f"cache.enc: {cause}, and cannot be set aside: {error.strerror}")
        self.detail = f"cache.enc could not be opened ({cause}); it is kept as {kept}"
        self._log.error("cache.set-aside", cause=cause, kept=kept)
        return True

    def forgotten(self, name: str) -> None:
        """Note that a merged file is gone; there is nothing to be told of it any more."""
        self.merged.remove(name)
        self.detail = ""

    async def merge_kept(self) -> None:
        """Try the files set aside: a recovered key may open one."""
        try:
            names = await asyncio.to_thread(self._file.kept)
        except OSError:
            return
        for name in names:
            if name not in self.merged:
                await self._merge_one(name)

    async def _merge_one(self, name: str) -> None:
        try:
            blob = await asyncio.to_thread(self._file.read, name)
            opened = await open_cache(blob or b"", self._sealer, self._clock)
        except (DamagedEnvelope, PsiError, OSError) as error:
            self._log.debug("cache.still-unreadable", file=name, cause=error)
            return
        count = self._merge(opened)
        self.merged.append(name)
        self._memory.changed()
        self._log.info("cache.merged", file=name, entries=count)
