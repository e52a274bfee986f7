"""Turning a file's bytes into entries: parse, have the key unwrapped, decrypt, decode."""

import asyncio
from typing import NamedTuple

from psi.broker.cache import CacheEntry, CacheKey
from psi.broker.cache_payload import decode_payload
from psi.broker.envelope import Envelope, parse, unseal
from psi.broker.infisical.clock import Clock
from psi.broker.sealer_client import SealerClient
from psi.shared.secret import DataKey


class OpenedCache(NamedTuple):
    """A cache file's content."""

    generation: int
    written_at: float
    entries: list[tuple[CacheKey, CacheEntry]]


async def open_cache(blob: bytes, sealer: SealerClient, clock: Clock) -> OpenedCache:
    """Open a cache file; the crypto runs on a thread, for it may be megabytes.

    Raises DamagedEnvelope, SealerRefusal, Unreachable.
    """
    envelope = parse("cache", blob)
    key = await sealer.unwrap("cache", envelope.generation, envelope.wrapped)
    return await asyncio.to_thread(_decrypt, envelope, key, clock)


def _decrypt(envelope: Envelope, key: DataKey, clock: Clock) -> OpenedCache:
    content = unseal(envelope, key)
    written_at, entries = decode_payload(content, envelope.generation, clock)
    return OpenedCache(envelope.generation, written_at, entries)
