"""Refreshing the cache: every source listed once, one source's failure never losing another.

What Infisical confirms is kept young; what it no longer has is withdrawn by the rules of
:mod:`psi.broker.withdrawal`; what could not be asked keeps what it had.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from psi.broker.cache import CacheKey, MemoryCache
from psi.broker.cache_keeper import Keeper
from psi.broker.infisical.listing import Listing
from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.broker.policy import Policy
from psi.broker.upstream import Upstream
from psi.broker.withdrawal import SourceView, Withdrawals, blind_identities
from psi.shared.errors import Refusal
from psi.shared.messages.broker import Finding
from psi.shared.projection import BrokerProjection, Source
from psi.shared.text import ascii_line, printable


@dataclass
class Tally:
    """What one refresh did."""

    sources: int = 0
    failed: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    withdrawing: int = 0
    findings: list[Finding] = field(default_factory=list)

    def note(self, source: str, detail: str, *, refused: bool) -> None:
        """Add what a person must see of a source."""
        self.findings.append(
            Finding(
                kind="refused" if refused else "notice",
                subject=printable(source, 100),
                detail=ascii_line(detail),
            )
        )


class Refresher:
    """Brings the cache in line with Infisical."""

    def __init__(
        self,
        projection: BrokerProjection,
        policy: Policy,
        upstream: Upstream,
        memory: MemoryCache,
        keeper: Keeper,
        withdrawals: Withdrawals,
    ) -> None:
        self._projection = projection
        self._policy = policy
        self._upstream = upstream
        self._memory = memory
        self._keeper = keeper
        self._withdrawals = withdrawals
        self._running = asyncio.Lock()

    async def refresh(self, *, confirm: bool) -> Tally:
        """Refresh once; a second call waits for the first and then runs."""
        async with self._running:
            tally = Tally()
            sources = list(dict.fromkeys(self._sources()))
            asked = [self._view(source, tally) for source in sources]
            views = [view for view in await asyncio.gather(*asked) if view is not None]
            await self._withdraw(views, tally, confirm=confirm)
            await self._drop_unused(tally)
            await self._keeper.refreshed()
            return tally

    def _sources(self) -> Iterator[Source]:
        for workload in self._projection.workloads.values():
            yield from workload.sources

    async def _view(self, source: Source, tally: Tally) -> SourceView | None:
        """List a source and keep what it holds; None where nothing can be said of it."""
        tally.sources += 1
        name = f"{source.project}:{source.path}"
        kept = frozenset(self._kept(source))
        identity = self._identity_of(source.project)
        try:
            listing = await self._upstream.list_folder(
                source.project, None, source.path, recursive=source.recursive
            )
        except UpstreamError as error:
            tally.failed += 1
            tally.note(name, error.detail, refused=True)
            if error.kind is Kind.ABSENT or error.permission:
                return SourceView(name, identity, kept, frozenset(), gone_whole=True)
            return None
        present = frozenset(self._keep(source, listing, tally))
        return SourceView(name, identity, kept, present, gone_whole=False)

    def _keep(self, source: Source, listing: Listing, tally: Tally) -> Iterator[CacheKey]:
        """Keep each value; one that is masked or empty is there, and keeps what it had."""
        project = self._projection.infisical.projects[source.project]
        for entry in listing.entries:
            key = CacheKey(project.id, project.environment, entry.path, entry.key)
            yield key
            if entry.value is None:
                where = f"{source.project}:{entry.path}#{entry.key}"
                tally.note(where, f"not cached: {entry.problem}", refused=True)
                continue
            known = self._memory.entry(key)
            if known is None:
                tally.added += 1
            elif known.value == entry.value:
                tally.unchanged += 1
            else:
                tally.changed += 1
            self._memory.put(key, entry.value)

    def _kept(self, source: Source) -> Iterator[CacheKey]:
        project = self._projection.infisical.projects[source.project]
        below = source.path.rstrip("/") + "/"
        for key in self._memory.coordinates():
            same = (key.project_id, key.environment) == (project.id, project.environment)
            inside = key.path == source.path or (source.recursive and key.path.startswith(below))
            if same and inside:
                yield key

    def _identity_of(self, project: str) -> str:
        own = self._projection.infisical.projects[project].auth
        return "global" if own is None else f"project:{project}"

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
        await self._remove(doomed - present, tally)

    async def _drop_unused(self, tally: Tally) -> None:
        """Drop values that no workload may look up: the configuration has left them behind."""
        aliases = {
            (project.id, project.environment): alias
            for alias, project in self._projection.infisical.projects.items()
        }
        unused = {
            key
            for key in self._memory.coordinates()
            if not self._policy.may_keep(
                aliases.get((key.project_id, key.environment)), key.path, key.key
            )
        }
        await self._remove(unused, tally)

    async def _remove(self, keys: set[CacheKey], tally: Tally) -> None:
        if not keys:
            return
        try:
            tally.withdrawn += await self._keeper.remove(sorted(keys))
        except Refusal as refusal:
            tally.note("cache.enc", refusal.detail, refused=True)
