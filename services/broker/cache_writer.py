"""Writing ``cache.enc``: additions coalesce, removals are on disk before they are acknowledged.

Each file has a data key of its own. One is wrapped ahead of need, so that the last write at
shutdown asks no one (r23).
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial

from psi.broker.cache import CacheEntry, CacheKey, MemoryCache
from psi.broker.cache_file import CacheFile
from psi.broker.cache_loader import CacheLoader
from psi.broker.cache_payload import encode_payload
from psi.broker.envelope import DamagedEnvelope, WrappedKey, parse, seal
from psi.broker.infisical.clock import Clock
from psi.broker.sealer_client import SealerClient, SealerRefusal
from psi.shared.errors import PsiError, Refusal
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.broker import BrokerError


class CacheWriter:
    """The only writer of the file."""

    def __init__(
        self,
        memory: MemoryCache,
        file: CacheFile,
        loader: CacheLoader,
        sealer: SealerClient,
        limits: Limits,
        clock: Clock,
        log: Log,
    ) -> None:
        self._memory = memory
        self._file = file
        self._loader = loader
        self._sealer = sealer
        self._limits = limits
        self._clock = clock
        self._log = log
        self._dirty = asyncio.Event()
        self._writing = asyncio.Lock()
        self._underway = False
        self._thread = ThreadPoolExecutor(1, "cache-writer")
        self._ahead: WrappedKey | None = None
        self.writes = 0
        self.detail = ""

    @property
    def pending(self) -> bool:
        """Whether something is in memory that is not in the file, or not yet whole in it."""
        return self._dirty.is_set() or self._underway

    def note_change(self) -> None:
        """Have the file written soon."""
        self._dirty.set()

    async def run(self) -> None:
        """Write what changed, a burst at a time, once the old file was loaded."""
        await self._loader.loaded.wait()
        await self._prepare()
        while True:
            await self._dirty.wait()
            await asyncio.sleep(self._limits.cache_write_seconds)
            if not await self._try_write():
                await asyncio.sleep(self._limits.device_retry_seconds)

    async def _try_write(self) -> bool:
        try:
            await self._write()
        except (PsiError, OSError) as error:
            self._failed(error.strerror if isinstance(error, OSError) else str(error))
            done = False
        else:
            done = True
        await self._prepare()
        return done

    def _failed(self, reason: str | None) -> None:
        detail = f"cache.enc cannot be written: {reason}"
        if detail != self.detail:
            self._log.warning("cache.unwritten", cause=reason)
        self.detail = detail

    async def remove(self, keys: list[CacheKey]) -> int:
        """Drop entries; they are gone from the disk when this returns.

        Raises Refusal: SEALER where the file cannot be opened or a key wrapped, FULL where the
        disk refuses. The entries are gone from memory all the same, and never come back.
        """
        count = self._memory.remove(keys)
        self._loader.removed.update(keys)
        if not self._loader.loaded.is_set():
            detail = f"dropped from memory; the file keeps them for now: {self._loader.detail}"
            raise Refusal(BrokerError.SEALER, detail)
        # What an earlier call could not write is in the file still, although memory has it not.
        await self.flush(force=count > 0)
        return count

    async def flush(self, *, force: bool = False) -> None:
        """Write now if anything changed; raises Refusal as :meth:`remove`."""
        if not (force or self.pending) or not self._loader.loaded.is_set():
            return
        if force:
            self._dirty.set()
        try:
            await self._write()
        except PsiError as error:
            raise Refusal(BrokerError.SEALER, f"not on disk yet: {error}") from error
        except OSError as error:
            detail = f"not on disk yet: {error.strerror}; see df and the state folder's owner"
            raise Refusal(BrokerError.FULL, detail) from error

    async def _write(self) -> None:
        async with self._writing:
            if not self._dirty.is_set():
                return  # whoever held the lock before wrote this change too
            ready = self._ahead or await self._next_key()
            self._ahead = None
            self._dirty.clear()
            # Taken before the snapshot: what is merged from now on is not in this file.
            merged = tuple(self._loader.merged)
            self._underway = True
            try:
                await self._on_thread(ready, self._memory.snapshot(), list(self._loader.removed))
            except BaseException:
                self._dirty.set()
                raise
            finally:
                self._underway = False
            self._loader.generation = ready.generation
            self._loader.written_at = self._clock.wall()
            self.writes += 1
            self.detail = ""
            await self._forget(merged)

    async def _on_thread(
        self,
        ready: WrappedKey,
        snapshot: list[tuple[CacheKey, CacheEntry]],
        removed: list[CacheKey],
    ) -> None:
        """Encode and write on the one thread for it.

        A caller may be cancelled, its thread not; on one thread the next write waits for it, so
        that the older content never comes last.
        """
        work = partial(self._encode_and_write, ready, snapshot, removed)
        await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _encode_and_write(
        self,
        ready: WrappedKey,
        snapshot: list[tuple[CacheKey, CacheEntry]],
        removed: list[CacheKey],
    ) -> None:
        """Encode, encrypt and replace the file; what was removed matters to files set aside."""
        kept = removed if self._file.kept() else None
        content = encode_payload(snapshot, ready.generation, self._clock, kept)
        self._file.write(seal("cache", self._sealer.tag, ready, content))

    async def _forget(self, merged: tuple[str, ...]) -> None:
        """Remove files set aside whose entries are in the file now."""
        for name in merged:
            try:
                await asyncio.to_thread(self._file.forget, name)
            except OSError as error:
                self._log.warning("cache.not-forgotten", file=name, cause=error.strerror)
            else:
                self._loader.forgotten(name)

    async def _next_key(self) -> WrappedKey:
        return await self._sealer.fresh_key("cache", self._loader.generation + 1)

    async def recheck(self) -> None:
        """Have the file written anew where the sealer has another key since (cache init --force).

        The key at hand was wrapped by the former, so a file written with it would be lost.
        """
        try:
            blob = await asyncio.to_thread(self._file.read)
            envelope = parse("cache", blob) if blob is not None else None
            if envelope is not None:
                await self._sealer.unwrap("cache", envelope.generation, envelope.wrapped)
        except SealerRefusal as refusal:
            if refusal.final:
                self._rewrite(refusal)
        except DamagedEnvelope as error:
            self._rewrite(error)
        except (PsiError, OSError) as error:
            self._log.debug("cache.not-rechecked", cause=error)
        await self._prepare(anew=True)

    def _rewrite(self, cause: Exception) -> None:
        self._log.warning("cache.written-anew", cause=cause)
        self._ahead = None
        self._dirty.set()

    async def _prepare(self, *, anew: bool = False) -> None:
        """Have the next file's key wrapped; without it the next write asks for one.

        No lock is held while the sealer is asked: a write must not wait for it.
        """
        if self._ahead is not None and not anew:
            return
        try:
            ready = await self._next_key()
        except PsiError as error:
            self._log.debug("cache.no-key-ahead", cause=error)
            return
        if ready.generation == self._loader.generation + 1:
            self._ahead = ready

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Wait until no write is under way, and keep it so."""
        async with self._writing:
            yield
