"""What is inside ``cache.enc``: entries by coordinate, with wall times.

CLOCK_BOOTTIME begins anew at each boot, so ages are turned into wall times for the file and
back. A wall clock that went backwards makes an entry young, never negative; one that jumped
ahead makes it old, which refuses to serve but never deletes (r24).
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from psi.broker.cache import CacheEntry, CacheKey
from psi.broker.envelope import DamagedEnvelope
from psi.broker.infisical.clock import Clock
from psi.shared.limits import MIB
from psi.shared.secret import SecretBytes

MAX_FILE_BYTES = 512 * MIB
"""100,000 entries of 5 KB: beyond it the file is taken for damaged rather than read."""

_Text = Annotated[str, Meta(max_length=4096)]


class StoredEntry(msgspec.Struct, frozen=True, array_like=True):
    """One entry; an array, for the names of its fields would be most of a small one."""

    project_id: _Text
    environment: _Text
    path: _Text
    key: _Text
    value: bytes
    contact: float
    """Wall time, seconds since the epoch."""
    gone: float | None


class CachePayload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decrypted content."""

    written_at: float
    generation: int
    entries: list[StoredEntry]


def encode_payload(
    snapshot: list[tuple[CacheKey, CacheEntry]], generation: int, clock: Clock
) -> bytes:
    """Return the content of a file; runs on a thread, so it takes a snapshot."""
    boot, wall = clock.boot(), clock.wall()
    offset = wall - boot
    entries = [
        StoredEntry(
            *key,
            entry.value.reveal(),
            entry.contact + offset,
            None if entry.gone is None else entry.gone + offset,
        )
        for key, entry in snapshot
    ]
    return msgspec.msgpack.encode(CachePayload(wall, generation, entries))


def decode_payload(
    content: bytes, generation: int, clock: Clock
) -> tuple[float, list[tuple[CacheKey, CacheEntry]]]:
    """Return when it was written and its entries; raises DamagedEnvelope."""
    try:
        payload = msgspec.msgpack.decode(content, type=CachePayload)
    except msgspec.DecodeError as error:
        raise DamagedEnvelope(f"its content is not a cache: {error}") from None
    if payload.generation != generation:
        raise DamagedEnvelope("its header and its content are of different generations")
    boot, wall = clock.boot(), clock.wall()

    def boot_time(stamp: float) -> float:
        return boot - max(0.0, wall - stamp)

    entries = [
        (
            CacheKey(e.project_id, e.environment, e.path, e.key),
            CacheEntry(
                SecretBytes(e.value),
                boot_time(e.contact),
                None if e.gone is None else boot_time(e.gone),
            ),
        )
        for e in payload.entries
    ]
    return payload.written_at, entries
