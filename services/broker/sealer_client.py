"""The broker's words with the sealer: wrap a data key, unwrap one, how are you."""

import os
from typing import NoReturn

from psi.broker.envelope import BACKEND_TAGS, WrappedKey
from psi.shared.client import Pool
from psi.shared.errors import InvariantError, PsiError
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.base import Refused, Reply, Request
from psi.shared.messages.sealer import (
    Purpose,
    SealerError,
    SealerStatus,
    SealerStatusReply,
    UnwrapKey,
    UnwrapKeyReply,
    WrapKey,
    WrapKeyReply,
)
from psi.shared.processes import Process
from psi.shared.secret import DATA_KEY_BYTES, DataKey

SEALER_SOCKET = "/run/psi-ipc/sealer-broker/sock"
_CONNECTIONS = 4
"""The cache's reader and writer, a token and a sealed secret; none is on the lookup path."""
STATUS_SECONDS = 2
"""The sealer answers from memory; a person who asks for the status does not wait for a hung one."""
_FINAL = frozenset({SealerError.OTHER_KEY, SealerError.CONTEXT})
"""The wrapping itself is wrong: asking again later cannot help."""


class SealerRefusal(PsiError):
    """The sealer cannot or will not; ``final`` where waiting does not change that."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.final = code in _FINAL


class SealerClient:
    """Calls the sealer; every method raises SealerRefusal or Unreachable."""

    def __init__(self, path: str, backend: str, limits: Limits, log: Log) -> None:
        self.tag = BACKEND_TAGS[backend]
        """Written into every header: which device can open the file."""
        self._limits = limits
        self._pool = Pool(path, Process.BROKER, Process.SEALER, _CONNECTIONS, limits, log)

    async def fresh_key(self, purpose: Purpose, generation: int) -> WrappedKey:
        """Make a data key and have it wrapped for one purpose and generation."""
        key = DataKey(os.urandom(DATA_KEY_BYTES))
        request = WrapKey(id=self._pool.next_id(), purpose=purpose, generation=generation, key=key)
        reply = await self._call(request)
        if not isinstance(reply, WrapKeyReply):
            _unexpected(reply)
        return WrappedKey(generation, key, reply.wrapped)

    async def unwrap(self, purpose: Purpose, generation: int, wrapped: bytes) -> DataKey:
        """Return the data key of a wrapping."""
        request = UnwrapKey(
            id=self._pool.next_id(), purpose=purpose, generation=generation, wrapped=wrapped
        )
        try:
            reply = await self._call(request)
        except SealerRefusal as refusal:
            refusal.final = refusal.final or await self._is_of_wrapping(refusal)
            raise
        if not isinstance(reply, UnwrapKeyReply):
            _unexpected(reply)
        return reply.key

    async def _is_of_wrapping(self, refusal: SealerRefusal) -> bool:
        """Tell a damaged wrapping from a damaged keyslot file: one code stands for both."""
        if refusal.code != SealerError.CORRUPT:
            return False
        return (await self.status()).state in {"open", "closed"}

    async def status(self) -> SealerStatusReply:
        """Return how the sealer is; no device is asked."""
        reply = await self._call(SealerStatus(id=self._pool.next_id()), STATUS_SECONDS)
        if not isinstance(reply, SealerStatusReply):
            _unexpected(reply)
        return reply

    async def _call(self, request: Request, seconds: float | None = None) -> Reply:
        """Ask and await the reply, ``sealer_seconds`` long unless told otherwise."""
        reply = await self._pool.call(request, seconds or self._limits.sealer_seconds)
        if isinstance(reply, Refused):
            raise SealerRefusal(reply.code, reply.detail)
        return reply

    def close(self) -> None:
        """End the connections."""
        self._pool.close()


def _unexpected(reply: Reply) -> NoReturn:
    raise InvariantError(f"a {type(reply).__name__} passed the channel's check")
