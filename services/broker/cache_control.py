"""What psictl may ask of the cache: how it is, refresh it, drop from it."""

import time
from typing import Literal

from psi.broker.cache_keeper import FileKeeper
from psi.broker.cache_parts import CacheParts
from psi.broker.mapping import Coordinate, SealedName, Target
from psi.broker.mapping_store import MappingStore
from psi.broker.paging import Pages
from psi.broker.refresh import Refresher
from psi.broker.refresh_tally import Tally
from psi.broker.values import Values
from psi.shared.errors import PsiError, Refusal
from psi.shared.limits import PAGE_ITEMS, Limits
from psi.shared.messages.base import Reply
from psi.shared.messages.broker import (
    BrokerError,
    Finding,
)
from psi.shared.messages.broker_cache import (
    CacheStatus,
    CacheStatusReply,
    Invalidate,
    InvalidateReply,
    Refresh,
    RefreshReply,
)
from psi.shared.text import ascii_line, printable

_OFF = "no value is kept: set cache.backend in the configuration, then psictl apply"


class CacheControl:
    """Answers for the cache, where there is one."""

    def __init__(
        self,
        cache: CacheParts,
        refresher: Refresher | None,
        store: MappingStore,
        values: Values,
        limits: Limits,
    ) -> None:
        self._backend = cache.backend
        self._memory = cache.memory
        self._keeper = cache.keeper
        self._sealer = cache.sealer
        self._refresher = refresher
        self._store = store
        self._values = values
        self._limits = limits
        self._pages: Pages[Finding] = Pages(limits)
        self._last = Tally()
        self._refreshed_at = 0.0

    async def status(self, request: CacheStatus) -> Reply:
        """Return the cache's state; decrypts the file only where that is asked for."""
        keeper = self._keeper if isinstance(self._keeper, FileKeeper) else None
        verified = await keeper.verify() if keeper and request.verify else 0
        size, kept = await keeper.files() if keeper else (0, [])
        loader = keeper.loader if keeper else None
        writer = keeper.writer if keeper else None
        return CacheStatusReply(
            id=request.id,
            backend=self._backend,
            state=self._state(),
            detail=ascii_line((loader and loader.detail) or (writer and writer.detail) or ""),
            entries=len(self._memory) if self._memory else 0,
            stale=self._memory.count_stale() if self._memory else 0,
            withdrawing=self._memory.count_going() if self._memory else 0,
            file_bytes=size,
            written_at=loader.written_at if loader else 0.0,
            generation=loader.generation if loader else 0,
            writes=writer.writes if writer else 0,
            pending=writer.pending if writer else False,
            unreadable=[printable(name) for name in kept],
            refreshed_at=self._refreshed_at,
            sealer=printable(await self._sealer_state()),
            verified=verified,
        )

    def _state(self) -> Literal["off", "loading", "loaded", "unreadable"]:
        if self._memory is None:
            return "off"
        if not isinstance(self._keeper, FileKeeper) or self._keeper.loader.loaded.is_set():
            return "loaded"
        return "unreadable" if self._keeper.loader.settled.is_set() else "loading"

    async def _sealer_state(self) -> str:
        if self._sealer is None:
            return "none"
        try:
            status = await self._sealer.status()
        except PsiError as error:
            return str(error)
        return f"{status.state} {status.detail}".strip()

    def holds(self, target: Target) -> bool:
        """Whether a lookup would get this value from memory; nobody is asked."""
        return self._values.holds(target)

    async def refresh(self, request: Refresh) -> Reply:
        """Refresh, or return a further page of what the last refresh found."""
        if self._refresher is None:
            raise Refusal(BrokerError.UNSERVED, _OFF)
        if request.cursor:
            findings, following = self._pages.follow(request.cursor, PAGE_ITEMS)
        else:
            self._last = await self._refresher.refresh(confirm=request.confirm)
            if not self._last.failed:
                self._refreshed_at = time.time()
            findings, following = self._pages.begin(self._last.findings, PAGE_ITEMS)
        tally = self._last
        return RefreshReply(
            id=request.id,
            sources=tally.sources,
            failed=tally.failed,
            added=tally.added,
            changed=tally.changed,
            unchanged=tally.unchanged,
            withdrawn=tally.withdrawn,
            withdrawing=tally.withdrawing,
            findings=list(findings),
            next=following,
        )

    async def invalidate(self, request: Invalidate) -> Reply:
        """Drop entries; they are gone from the disk when this is answered."""
        if self._memory is None:
            raise Refusal(BrokerError.UNSERVED, _OFF)
        key = None if request.everything else self._values.cache_key(self._named(request))
        self._values.forget_listings()
        if request.everything:
            dropped = await self._keeper.clear()
        else:
            dropped = await self._keeper.remove([] if key is None else [key])
        return InvalidateReply(id=request.id, dropped=dropped)

    def _named(self, request: Invalidate) -> Coordinate:
        if request.secret_id is not None:
            target = self._store.get(request.secret_id)
            if target is None:
                raise Refusal(BrokerError.UNKNOWN_ID, "no mapping has this id")
            if isinstance(target, SealedName):
                detail = "a sealed secret is not cached; replace it by psictl seal --force"
                raise Refusal(BrokerError.UNKNOWN_NAME, detail)
            return target
        if request.project is None or request.path is None or request.key is None:
            detail = "name an id, or project, path and key, or everything"
            raise Refusal(BrokerError.UNKNOWN_NAME, detail)
        return Coordinate(request.project, request.path, request.key)
