"""Refreshing the cache: every source listed once, one source's failure never losing another.

What Infisical confirms is kept young; what it no longer has is withdrawn by the rules of
:mod:`psi.broker.withdrawal`; what could not be asked keeps what it had.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterator
from typing import Any

from psi.broker.cache import CacheKey, MemoryCache
from psi.broker.cache_keeper import Keeper
from psi.broker.mapping import Coordinate
from psi.broker.policy import Policy
from psi.broker.refresh_reader import RefreshReader
from psi.broker.refresh_tally import Tally
from psi.broker.withdrawal import SourceView, Withdrawals, blind_identities
from psi.shared.audit import Audit, AuditEvent
from psi.shared.errors import Refusal
from psi.shared.projection import BrokerProjection, Source
from psi.shared.text import printable

_Folders = dict[tuple[str, str], dict[str, list[CacheKey]]]
"""Kept keys by project id and environment, then by path."""


class Refresher:
    """Brings the cache in line with Infisical."""

    def __init__(
        self,
        projection: BrokerProjection,
        policy: Policy,
        reader: RefreshReader,
        memory: MemoryCache,
        keeper: Keeper,
        withdrawals: Withdrawals,
        audit: Audit,
    ) -> None:
        self._projection = projection
        self._policy = policy
        self._reader = reader
        self._memory = memory
        self._keeper = keeper
        self._withdrawals = withdrawals
        self._audit = audit
        self._running = asyncio.Lock()

    async def refresh(self, *, confirm: bool) -> Tally:
        """Refresh once; a second call waits for the first and then runs."""
        async with self._running:
            tally = Tally()
            answers = await asyncio.gather(*self._questions(tally))
            views = [view for view in answers if view is not None]
            await self._withdraw(views, tally, confirm=confirm)
            await self._remove(self._unused(), tally, "not configured any more")
            await self._keeper.refreshed(contact=tally.failed < tally.sources)
            return tally

    def _questions(self, tally: Tally) -> Iterator[Coroutine[Any, Any, SourceView | None]]:
        """Yield a coroutine for each source, and one for each project's kept keys of ``allow``."""
        folders = self._folders()
        sources = [s for w in self._projection.workloads.values() for s in w.sources]
        for source in dict.fromkeys(sources):
            yield self._reader.source(source, self._kept(source, folders), tally)
        for alias, keys in self._allowed().items():
            yield self._reader.singles(f"{alias}: keys of allow", alias, keys, tally)

    def _folders(self) -> _Folders:
        folders: _Folders = defaultdict(lambda: defaultdict(list))
        for key in self._memory.coordinates():
            folders[key.project_id, key.environment][key.path].append(key)
        return folders

    def _kept(self, source: Source, folders: _Folders) -> frozenset[CacheKey]:
        project = self._projection.infisical.projects[source.project]
        by_path = folders.get((project.id, project.environment), {})
        if not source.recursive:
            return frozenset(by_path.get(source.path, ()))
        below = source.path.rstrip("/") + "/"
        inside = (p for p in by_path if p == source.path or p.startswith(below))
        return frozenset(key for path in inside for key in by_path[path])

    def _allowed(self) -> dict[str, list[CacheKey]]:
        """Return what is kept although no source has it, by project."""
        found = defaultdict(list)
        for alias, path, key in dict.fromkeys(
            (one.project, one.path, one.key) for one in self._projection.allow
        ):
            project = self._projection.infisical.projects.get(alias)
            if project is None or self._policy.in_source(alias, path):
                continue
            kept = CacheKey(project.id, project.environment, path, key)
            if self._memory.entry(kept) is not None:
                found[alias].append(kept)
        return found

    async def _withdraw(self, views: list[SourceView], tally: Tally, *, confirm: bool) -> None:
        blind = blind_identities(views)
        doomed: set[CacheKey] = set()
        present = frozenset().union(*(view.present for view in views))
        for view in views:
            verdict = self._withdrawals.judge(view, blind, confirm=confirm)
            tally.withdrawing += len(verdict.going)
            if verdict.held:
                tally.note(view.name, f"nothing is withdrawn: {verdict.held}", refused=True)
            doomed.update(verdict.withdraw)
        await self._remove(doomed - present, tally, "gone at Infisical")

    def _unused(self) -> set[CacheKey]:
        """Return what no workload may look up: the configuration has left it behind."""
        aliases = self._aliases()
        return {
            key
            for key in self._memory.coordinates()
            if not self._policy.may_keep(aliases.get(key[:2]), key.path, key.key)
        }

    def _aliases(self) -> dict[tuple[str, ...], str]:
        projects = self._projection.infisical.projects.items()
        return {(project.id, project.environment): alias for alias, project in projects}

    async def _remove(self, keys: set[CacheKey], tally: Tally, cause: str) -> None:
        if not keys:
            return
        aliases = self._aliases()
        for key in sorted(keys):
            alias = aliases.get(key[:2], printable(key.project_id, 63))
            secret = Coordinate(alias, key.path, key.key)
            self._audit.record(AuditEvent.WITHDRAWN, secret=secret, cause=cause)
        tally.withdrawn += len(keys)
        try:
            await self._keeper.remove(sorted(keys))
        except Refusal as refusal:
            tally.note("cache.enc", refusal.detail, refused=True)
