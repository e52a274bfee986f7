"""Asking Infisical for one source, or for keys one by one, and keeping what it says.

A role may read a key without listing its folder (r19), and ``allow`` names keys outside of every
source: those that are kept are read one by one.
"""

import asyncio
from collections.abc import Iterable

from psi.broker.cache import CacheKey, MemoryCache
from psi.broker.infisical.listing import Listing
from psi.broker.infisical.outcome import Kind, UpstreamError, foreign
from psi.broker.refresh_memory import RefreshMemory
from psi.broker.refresh_tally import Tally
from psi.broker.upstream import Lister
from psi.broker.withdrawal import SourceView
from psi.shared.limits import Limits
from psi.shared.messages.broker import BrokerError
from psi.shared.projection import BrokerProjection, Source
from psi.shared.secret import SecretBytes


class RefreshReader:
    """Turns a source into what was seen of it; None where nothing can be said."""

    def __init__(
        self, projection: BrokerProjection, upstream: Lister, memory: MemoryCache, limits: Limits
    ) -> None:
        self._projects = projection.infisical.projects
        self._upstream = upstream
        self._memory = memory
        self._limits = limits
        self._seen = RefreshMemory(memory)

    async def source(
        self, source: Source, kept: frozenset[CacheKey], tally: Tally
    ) -> SourceView | None:
        """List a source and keep what it holds."""
        tally.sources += 1
        name, identity = f"{source.project}:{source.path}", self._identity_of(source.project)
        try:
            listing = await self._list(source)
        except UpstreamError as error:
            if error.permission and kept and await self.has(source.project, min(kept), tally):
                tally.note(name, "may not be listed; read one by one", refused=False)
                return await self.singles(name, source.project, kept, tally)
            tally.failed += 1
            tally.note(name, error.detail, refused=True)
            if error.kind is Kind.ABSENT or error.permission:
                return SourceView(name, identity, kept, frozenset(), gone_whole=True)
            return None
        present = self._keep(source, listing, kept, tally)
        return SourceView(name, identity, kept, present, gone_whole=False)

    async def singles(
        self, name: str, project: str, kept: Iterable[CacheKey], tally: Tally
    ) -> SourceView:
        """Read keys one by one; those of which nothing can be said are left out."""
        keys = sorted(kept)
        answers = await asyncio.gather(*(self.has(project, key, tally) for key in keys))
        known = frozenset(
            key for key, answer in zip(keys, answers, strict=True) if answer is not None
        )
        present = frozenset(key for key, answer in zip(keys, answers, strict=True) if answer)
        whole = bool(known) and not present
        return SourceView(name, self._identity_of(project), known, present, gone_whole=whole)

    async def has(self, project: str, key: CacheKey, tally: Tally) -> bool | None:
        """Read one key and keep its value; None where Infisical says neither yes nor no."""
        try:
            value = await self._upstream.get_secret(project, None, key.path, key.key)
        except UpstreamError as error:
            if error.kind is Kind.ABSENT or error.permission:
                return False
            if error.code is not BrokerError.BAD_VALUE:
                return None
            self._memory.note_present(key)
            return True
        self._put(key, value, tally)
        return True

    async def _list(self, source: Source) -> Listing:
        """List within the time of a control request: an exchange alone is bounded, not a tree.

        What Infisical says is as it was comes from memory.
        """
        known = self._seen.known(source)
        try:
            async with asyncio.timeout(self._limits.control_seconds):
                listing = await self._upstream.list_if_changed(
                    source.project,
                    source.path,
                    recursive=source.recursive,
                    etag=known.etag if known is not None else None,
                )
        except TimeoutError:
            text = f"Infisical did not list it within {self._limits.control_seconds:g} s"
            raise UpstreamError(Kind.TRANSPORT, text) from None
        if listing is not None:
            return listing
        if known is None:
            raise foreign("a 304 to a question that had no condition", 304)
        return known

    def _keep(
        self, source: Source, listing: Listing, kept: frozenset[CacheKey], tally: Tally
    ) -> frozenset[CacheKey]:
        """Keep each value; return what is there.

        What is masked, empty or of unknown place keeps what it had, wherever in the source.
        """
        project = self._projects[source.project]
        present, unreadable = set(), set()
        for entry in listing.entries:
            key = CacheKey(project.id, project.environment, entry.path, entry.key)
            present.add(key)
            where = f"{source.project}:{entry.path}#{entry.key}"
            if entry.value is not None:
                self._put(key, entry.value, tally)
                if entry.notice is not None:
                    tally.note(where, entry.notice, refused=False)
                continue
            unreadable.add(entry.key)
            tally.note(where, f"not cached: {entry.problem}", refused=True)
        self._seen.note(source, listing, project)
        for key in kept:
            if key.key in unreadable and (key in present or source.recursive):
                present.add(key)
                self._memory.note_present(key)
        return frozenset(present)

    def _put(self, key: CacheKey, value: SecretBytes, tally: Tally) -> None:
        known = self._memory.entry(key)
        if known is None:
            tally.added += 1
        elif known.value == value:
            tally.unchanged += 1
        else:
            tally.changed += 1
        self._memory.put(key, value)

    def _identity_of(self, project: str) -> str:
        own = self._projects[project].auth
        return "global" if own is None else f"project:{project}"
