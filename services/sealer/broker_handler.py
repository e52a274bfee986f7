"""What the broker may ask: to wrap or unwrap a data key, and how the sealer is."""

from collections.abc import Coroutine
from typing import Any, assert_never

from psi.sealer.key_holder import KeyHolder
from psi.sealer.status import StatusReport
from psi.sealer.wrapping import unwrap, wrap
from psi.shared.messages.base import Reply, Request
from psi.shared.messages.sealer import (
    SealerStatus,
    UnwrapKey,
    UnwrapKeyReply,
    WrapKey,
    WrapKeyReply,
)
from psi.shared.peer import Peer

BrokerRequest = WrapKey | UnwrapKey | SealerStatus


class BrokerHandler:
    """Answers the broker; with an open key no device is asked."""

    def __init__(self, holder: KeyHolder, status: StatusReport) -> None:
        self._holder = holder
        self._status = status

    def __call__(self, request: Request, peer: Peer) -> Reply | Coroutine[Any, Any, Reply]:
        """Answer at once where nothing must be waited for."""
        del peer  # the endpoint has checked it
        assert isinstance(request, BrokerRequest)  # noqa: S101  # the decoder gives nothing else
        match request:
            case WrapKey():
                return self._wrap(request)
            case UnwrapKey():
                return self._unwrap(request)
            case SealerStatus():
                return self._status.report(request)
            case _:
                assert_never(request)

    async def _wrap(self, request: WrapKey) -> Reply:
        keys = await self._holder.keys()
        wrapped = wrap(keys, request.key, request.purpose, request.generation)
        self._status.wraps += 1
        return WrapKeyReply(id=request.id, wrapped=wrapped)

    async def _unwrap(self, request: UnwrapKey) -> Reply:
        keys = await self._holder.keys()
        key = unwrap(keys, request.wrapped, request.purpose, request.generation)
        self._status.unwraps += 1
        return UnwrapKeyReply(id=request.id, key=key)
