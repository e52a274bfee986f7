"""Values in memory, by coordinate and never by Podman's ids, which change at every setup.

With the cache off nothing is kept: a value is fetched for one reply and forgotten.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

from psi.broker.infisical.clock import Clock
from psi.shared.secret import SecretBytes

_CONTACT_SECONDS = 60
"""Between writes for mere contacts: a folder that is listed every second, for a key that it lacks,
confirms all the others each time."""


class CacheKey(NamedTuple):
    """What names a value at Infisical: aliases and ids of this host play no part."""

    project_id: str
    environment: str
    path: str
    key: str


class CacheEntry:
    """A value, when Infisical last confirmed it, and when it was first seen to be gone.

    Times are seconds of CLOCK_BOOTTIME: a wall clock that jumps must not age anything (r24).
    What came from a file has the file's wall time in ``stamp`` too, until Infisical confirms it:
    the age that was made of it is as good as the wall clock was when the file was loaded.
    """

    __slots__ = ("contact", "gone", "stamp", "value")

    def __init__(
        self,
        value: SecretBytes,
        contact: float,
        gone: float | None = None,
        stamp: float | None = None,
    ) -> None:
        self.value = value
        self.contact = contact
        self.gone = gone
        self.stamp = stamp

    def confirm(self, now: float) -> None:
        """Note that Infisical has it."""
        self.contact, self.gone, self.stamp = now, None, None


class Cache(Protocol):
    """Where values are kept between lookups."""

    keeps: bool
    """Whether anything is kept at all."""

    def get(self, key: CacheKey) -> SecretBytes | None:
        """Return a kept value that may be served."""
        ...

    def put(self, key: CacheKey, value: SecretBytes) -> None:
        """Keep a value that Infisical has just given."""
        ...

    def is_stale(self, key: CacheKey) -> bool:
        """Whether a value is kept but too old to be served."""
        ...

    def __len__(self) -> int: ...


class NoCache:
    """Keeps nothing."""

    keeps = False

    def get(self, key: CacheKey) -> SecretBytes | None:  # noqa: ARG002  # the Protocol's signature
        """Return None."""
        return None

    def put(self, key: CacheKey, value: SecretBytes) -> None:
        """Forget the value."""

    def is_stale(self, key: CacheKey) -> bool:  # noqa: ARG002  # the Protocol's signature
        """Return False."""
        return False

    def __len__(self) -> int:
        return 0


def _nothing() -> None:
    """Take no notice of a change: the cache that is in memory only."""


class MemoryCache:
    """Keeps values until the process ends; ``changed`` is told of what a file must have too."""

    keeps = True

    def __init__(self, clock: Clock, max_stale: float | None = None) -> None:
        self._clock = clock
        self._max_stale = max_stale
        self._entries: dict[CacheKey, CacheEntry] = {}
        self._contacts_told = -math.inf
        self.changed: Callable[[], None] = _nothing

    def get(self, key: CacheKey) -> SecretBytes | None:
        """Return a value that may be served: no crypto, disk or device."""
        entry = self._entries.get(key)
        if entry is None or (self._max_stale is not None and self._aged(entry)):
            return None
        return entry.value

    def put(self, key: CacheKey, value: SecretBytes) -> None:
        """Keep a value, newer than the one before."""
        entry = self._entries.get(key)
        now = self._clock.boot()
        if entry is None or entry.value != value:
            self._entries[key] = CacheEntry(value, now)
            self.changed()
            return
        news = entry.gone is not None or now - self._contacts_told >= _CONTACT_SECONDS
        entry.confirm(now)
        if news:
            self._contacts_told = now
            self.changed()

    def note_present(self, key: CacheKey) -> None:
        """Note that Infisical has a key, although its value cannot be had now."""
        entry = self._entries.get(key)
        if entry is not None and entry.gone is not None:
            entry.gone = None
            self.changed()

    def note_gone(self, key: CacheKey) -> float | None:
        """Note that Infisical lacks a key; return for how long that is known, None if not kept."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        now = self._clock.boot()
        if entry.gone is None:
            entry.gone = now
            self.changed()
        return now - entry.gone

    def is_stale(self, key: CacheKey) -> bool:
        """Whether a value is kept and its last good contact is over ``max_stale`` ago."""
        entry = self._entries.get(key)
        return entry is not None and self._aged(entry)

    def _aged(self, entry: CacheEntry) -> bool:
        """Whether both clocks say so, where there are two: one of them may have been set wrong."""
        limit = self._max_stale
        if limit is None or self._clock.boot() - entry.contact <= limit:
            return False
        return entry.stamp is None or self._clock.wall() - entry.stamp > limit

    def merge(self, entries: Iterable[tuple[CacheKey, CacheEntry]]) -> int:
        """Take entries that were read from a file where there is none; return how many.

        What is in memory was fetched since the start, so it is newer.
        """
        before = len(self._entries)
        for key, entry in entries:
            self._entries.setdefault(key, entry)
        return len(self._entries) - before

    def remove(self, keys: Iterable[CacheKey]) -> int:
        """Drop entries from memory; return how many there were."""
        return sum(self._entries.pop(key, None) is not None for key in keys)

    def entry(self, key: CacheKey) -> CacheEntry | None:
        """Return an entry, served or not."""
        return self._entries.get(key)

    def coordinates(self) -> Iterator[CacheKey]:
        """Iterate over all keys; the caller does not await meanwhile."""
        return iter(self._entries)

    def snapshot(self) -> list[tuple[CacheKey, CacheEntry]]:
        """Return all entries, safe to be read on another thread: their values never change."""
        return list(self._entries.items())

    def count_stale(self) -> int:
        """Return how many entries are too old to be served."""
        return sum(self._aged(entry) for entry in self._entries.values())

    def count_going(self) -> int:
        """Return how many entries were seen to be gone once."""
        return sum(entry.gone is not None for entry in self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)
