"""Tokens at rest, encrypted with a data key from the sealer (r7)."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from psi.broker.envelope import parse, seal, unseal
from psi.broker.sealer_client import SealerClient
from psi.shared.errors import Unreachable

SECONDS = 1.0
"""A login waits meanwhile: without the sealer its token is not kept, which costs a login later."""
_GENERATION = 1
"""Of a token's key: its file is written whole each time, with a fresh key."""

T = TypeVar("T")


class TokenSealing:
    """Seals with the sealer's help; raises SealerRefusal, Unreachable, DamagedEnvelope."""

    def __init__(self, sealer: SealerClient) -> None:
        self._sealer = sealer

    async def seal(self, name: str, content: bytes) -> bytes:
        """Return the content encrypted under a name."""
        ready = await _soon(self._sealer.fresh_key("token", _GENERATION))
        return seal("token", self._sealer.tag, ready, content, name)

    async def open(self, name: str, blob: bytes) -> bytes:
        """Return the content of what was sealed under this name."""
        envelope = parse("token", blob)
        asked = self._sealer.unwrap("token", envelope.generation, envelope.wrapped)
        return unseal(envelope, await _soon(asked), name)


async def _soon(asked: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(SECONDS):
            return await asked
    except TimeoutError:
        raise Unreachable(f"the sealer did not answer in {SECONDS:g} s") from None
