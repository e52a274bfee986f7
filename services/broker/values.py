"""Values by coordinate: from memory at once, else from Infisical, a folder at a time.

The first miss inside a configured source lists its folder once and keeps what it holds, so a
cold start of a container with forty secrets is one request. A refused listing falls back to
the one secret: a role may read a key without listing its folder.
"""

import asyncio

from psi.broker.cache import Cache, CacheKey
from psi.broker.infisical.listing import Entry, Listing
from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.broker.mapping import Coordinate, SealedName, Target
from psi.broker.policy import Policy
from psi.broker.sealed_store import SealedStore
from psi.broker.single_flight import SingleFlight
from psi.broker.upstream import Upstream, refusal_of
from psi.shared.errors import Refusal
from psi.shared.limits import Limits
from psi.shared.messages.broker import BrokerError
from psi.shared.projection import Project
from psi.shared.secret import SecretBytes
from psi.shared.text import printable

Folder = tuple[str, str]
"""A project's alias and a path."""


class Values:
    """Reads values for lookups; keeps them where the cache does."""

    def __init__(
        self,
        projects: dict[str, Project],
        policy: Policy,
        cache: Cache,
        upstream: Upstream,
        sealed: SealedStore,
        limits: Limits,
    ) -> None:
        self._projects = projects
        self._policy = policy
        self._cache = cache
        self._upstream = upstream
        self._sealed = sealed
        self._limits = limits
        self._folders: SingleFlight[dict[str, Entry]] = SingleFlight()
        self._singles: SingleFlight[SecretBytes] = SingleFlight()
        self._listed: dict[Folder, dict[str, Entry]] = {}

    def cached(self, target: Target) -> SecretBytes | None:
        """Return a kept value without asking anyone."""
        if isinstance(target, SealedName):
            return self._sealed.get(target.name)
        key = self.cache_key(target)
        return self._cache.get(key) if key is not None else None

    def holds(self, target: Target) -> bool:
        """Whether a lookup would get a value from memory: one that it may have."""
        permitted = isinstance(target, SealedName) or self._policy.permits(target)
        return permitted and self.cached(target) is not None

    async def fetch(self, target: Target) -> SecretBytes:
        """Return the value from where it is, within ``miss_seconds``; raises Refusal."""
        if isinstance(target, SealedName):
            return await self._sealed.fetch(target.name)
        coordinate = target
        if coordinate.project not in self._projects:
            detail = "its mapping names a project that is not configured; run psictl setup"
            raise Refusal(BrokerError.FORBIDDEN, detail)
        try:
            async with asyncio.timeout(self._limits.miss_seconds):
                return await self._fetch(coordinate)
        except UpstreamError as error:
            key = self.cache_key(coordinate)
            if key is not None and error.kind is Kind.TRANSPORT and self._cache.is_stale(key):
                detail = f"the kept value is older than max_stale, and {error.detail}"
                raise Refusal(BrokerError.STALE, detail) from error
            raise refusal_of(error) from error
        except TimeoutError:
            detail = f"Infisical did not answer within {self._limits.miss_seconds:g} s"
            raise Refusal(BrokerError.UNREACHABLE, detail) from None

    async def _fetch(self, coordinate: Coordinate) -> SecretBytes:
        project, path, key = coordinate
        if self._cache.keeps and self._policy.in_source(project, path):
            try:
                entries = await self._listing((project, path))
            except UpstreamError as error:
                if error.kind is not Kind.REFUSED or error.token:
                    raise
            else:
                return _value_of(entries.get(key), key)
        return await self._singles.do(coordinate, lambda: self._single(coordinate))

    async def _single(self, coordinate: Coordinate) -> SecretBytes:
        project, path, key = coordinate
        value = await self._upstream.get_secret(project, None, path, key)
        self._keep(project, path, key, value)
        return value

    async def _listing(self, folder: Folder) -> dict[str, Entry]:
        """Return a folder's entries: one request for all who ask, and for a burst after it."""
        entries = self._listed.get(folder)
        if entries is not None:
            return entries
        return await self._folders.do(folder, lambda: self._list(folder))

    async def _list(self, folder: Folder) -> dict[str, Entry]:
        project, path = folder
        listing = await self._upstream.list_folder(project, None, path, recursive=False)
        self.keep_listing(project, listing)
        entries = {entry.key: entry for entry in listing.entries}
        loop = asyncio.get_running_loop()
        self._listed[folder] = entries
        loop.call_later(self._limits.listing_seconds, self._listed.pop, folder, None)
        return entries

    def keep_listing(self, project: str, listing: Listing) -> None:
        """Keep the values that came with a listing, where the policy lets someone look them up."""
        for entry in listing.entries:
            if entry.value is not None and self._policy.in_source(project, entry.path):
                self._keep(project, entry.path, entry.key, entry.value)

    def _keep(self, project: str, path: str, key: str, value: SecretBytes) -> None:
        cache_key = self.cache_key(Coordinate(project, path, key))
        if cache_key is not None:
            self._cache.put(cache_key, value)

    def forget_listings(self) -> None:
        """Have the next miss list its folder again."""
        self._listed.clear()

    def cache_key(self, coordinate: Coordinate) -> CacheKey | None:
        """Return what names a coordinate's value at Infisical; None for an unknown project."""
        project = self._projects.get(coordinate.project)
        if project is None:
            return None
        return CacheKey(project.id, project.environment, coordinate.path, coordinate.key)

    async def close(self) -> None:
        """End the requests in flight."""
        await self._folders.close()
        await self._singles.close()


def _value_of(entry: Entry | None, key: str) -> SecretBytes:
    """Return an entry's value; raises Refusal where there is none to hand over."""
    if entry is None:
        detail = f"{printable(key, 60)} is not in its folder; restore it or run psictl setup"
        raise Refusal(BrokerError.ABSENT, detail)
    if entry.value is None:
        raise Refusal(BrokerError.BAD_VALUE, f"{printable(key, 60)}: {entry.problem}")
    return entry.value
