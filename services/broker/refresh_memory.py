"""What each source held when it was last listed, so that a listing may be asked for if changed.

In memory only. The values are those of the cache, the same objects: nothing is held twice, and
what the cache has lost is never taken from here.
"""

from dataclasses import replace

from psi.broker.cache import CacheKey, MemoryCache
from psi.broker.infisical.listing import Entry, Listing
from psi.shared.projection import Project, Source


class RefreshMemory:
    """The last listing of each source that came with an ETag."""

    def __init__(self, memory: MemoryCache) -> None:
        self._memory = memory
        self._listings: dict[Source, tuple[Project, Listing]] = {}

    def note(self, source: Source, listing: Listing, project: Project) -> None:
        """Remember a listing whose values have just been kept."""
        if listing.etag is None:
            self._listings.pop(source, None)
            return
        entries = tuple(self._shared(entry, project) for entry in listing.entries)
        self._listings[source] = project, replace(listing, entries=entries)

    def known(self, source: Source) -> Listing | None:
        """Return what a source held, None unless the cache still has every value of it."""
        found = self._listings.get(source)
        if found is None:
            return None
        project, listing = found
        if all(self._is_kept(entry, project) for entry in listing.entries):
            return listing
        del self._listings[source]
        return None

    def _shared(self, entry: Entry, project: Project) -> Entry:
        """Return the entry with the cache's own value in place of its equal."""
        kept = self._memory.entry(_key(entry, project))
        if entry.value is None or kept is None or kept.value != entry.value:
            return entry
        return replace(entry, value=kept.value)

    def _is_kept(self, entry: Entry, project: Project) -> bool:
        kept = self._memory.entry(_key(entry, project))
        return entry.value is None or (kept is not None and kept.value is entry.value)


def _key(entry: Entry, project: Project) -> CacheKey:
    return CacheKey(project.id, project.environment, entry.path, entry.key)
