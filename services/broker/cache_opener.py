"""Turning a file's bytes into entries: parse, have the key unwrapped, decrypt, decode."""

import asyncio

from psi.broker.cache_payload import Content, decode_payload
from psi.broker.envelope import Envelope, parse, unseal
from psi.broker.infisical.clock import Clock
from psi.broker.sealer_client import SealerClient
from psi.shared.secret import DataKey


async def open_cache(blob: bytes, sealer: SealerClient, clock: Clock) -> Content:
    """Open a cache file; the crypto runs on a thread, for it may be megabytes.

    Raises DamagedEnvelope, SealerRefusal, Unreachable.
    """
    envelope = parse("cache", blob)
    key = await sealer.unwrap("cache", envelope.generation, envelope.wrapped)
    return await asyncio.to_thread(_decrypt, envelope, key, clock)


def _decrypt(envelope: Envelope, key: DataKey, clock: Clock) -> Content:
    return decode_payload(unseal(envelope, key), envelope.generation, clock)
