"""What is inside ``cache.enc``: entries by coordinate, with wall times.

CLOCK_BOOTTIME begins anew at each boot, so ages are turned into wall times for the file and
back. A wall clock that went backwards makes an entry young, never negative; one that jumped
ahead makes it old, which refuses to serve but never deletes (r24). What is not confirmed
meanwhile goes back to the file with the time that it came with, so that a clock that was wrong
once is wrong no longer than it lasts; and the wait between two observations of a key that is
gone begins anew, for no clock can tell how much of it has passed.
"""

from typing import NamedTuple

import msgspec

from psi.broker.cache import CacheEntry, CacheKey
from psi.broker.envelope import DamagedEnvelope
from psi.broker.infisical.clock import Clock
from psi.shared.errors import UNDECODABLE
from psi.shared.limits import MIB
from psi.shared.secret import SecretBytes

MAX_FILE_BYTES = 512 * MIB
"""100,000 entries of 5 KB: beyond it the file is taken for damaged rather than read."""


class StoredEntry(msgspec.Struct, frozen=True, array_like=True):
    """One entry; an array, for the names of its fields would be most of a small one.

    No field has a bound: the content is authenticated, so it is what this process once kept,
    and a bound that one name exceeds would lose them all.
    """

    project_id: str
    environment: str
    path: str
    key: str
    value: bytes
    contact: float
    """Wall time, seconds since the epoch."""
    gone: bool
    """Seen to be gone once."""


class CachePayload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decrypted content."""

    written_at: float
    generation: int
    entries: list[StoredEntry]
    removed: list[tuple[str, str, str, str]] = []
    """Keys that a file set aside may still have, but that must not come back from it (r30)."""


class Content(NamedTuple):
    """What a file holds, with times of this boot."""

    generation: int
    written_at: float
    entries: list[tuple[CacheKey, CacheEntry]]
    removed: list[CacheKey]

    @property
    def contact(self) -> float:
        """When Infisical last confirmed an entry: wall time, 0 where there is none."""
        return max((entry.stamp or 0.0 for _, entry in self.entries), default=0.0)


def encode_payload(
    snapshot: list[tuple[CacheKey, CacheEntry]],
    generation: int,
    clock: Clock,
    removed: list[CacheKey] | None = None,
) -> bytes:
    """Return the content of a file; runs on a thread, so it takes a snapshot."""
    wall = clock.wall()
    offset = wall - clock.boot()
    entries = [
        StoredEntry(
            *key,
            entry.value.reveal(),
            entry.contact + offset if entry.stamp is None else entry.stamp,
            entry.gone is not None,
        )
        for key, entry in snapshot
    ]
    kept = [(k.project_id, k.environment, k.path, k.key) for k in removed or ()]
    return msgspec.msgpack.encode(CachePayload(wall, generation, entries, kept))


def decode_payload(content: bytes, generation: int, clock: Clock) -> Content:
    """Return a file's content; raises DamagedEnvelope."""
    try:
        payload = msgspec.msgpack.decode(content, type=CachePayload)
    except UNDECODABLE as error:
        raise DamagedEnvelope(f"its content is not a cache: {error}") from None
    if payload.generation != generation:
        raise DamagedEnvelope("its header and its content are of different generations")
    boot, wall = clock.boot(), clock.wall()
    entries = [
        (
            CacheKey(e.project_id, e.environment, e.path, e.key),
            CacheEntry(
                SecretBytes(e.value),
                contact=boot - max(0.0, wall - e.contact),
                gone=boot if e.gone else None,
                stamp=e.contact,
            ),
        )
        for e in payload.entries
    ]
    removed = [CacheKey(*names) for names in payload.removed]
    return Content(generation, payload.written_at, entries, removed)
