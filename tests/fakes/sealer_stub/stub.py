"""A sealer that does as told, behind a real Unix socket: well, degraded, hung or away."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from psi.sealer.device_error import DeviceError
from psi.sealer.keys import derive_keys
from psi.sealer.wrapping import unwrap, wrap
from psi.shared.errors import Refusal
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.base import Reply, Request
from psi.shared.messages.sealer import (
    SealerError,
    SealerStatus,
    SealerStatusReply,
    UnwrapKey,
    UnwrapKeyReply,
    WrapKey,
    WrapKeyReply,
)
from psi.shared.peer import DEVELOPMENT_UID, Peer
from psi.shared.processes import Process
from psi.shared.secret import SecretBytes
from psi.shared.server import Endpoint


class SealerStub:
    """Wraps as the real one does; ``refuses`` and ``hangs`` are set by the test."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.refuses: SealerError | None = None
        self.answers = asyncio.Event()
        self.answers.set()
        self.asked: list[type[Request]] = []
        self.seen: list[bytes] = []
        """Every data key that was shown to it."""
        self._keys = derive_keys(SecretBytes(b"k" * 32), SecretBytes(b"h" * 32))
        self._endpoint: Endpoint | None = None

    def hang(self) -> None:
        """Answer nobody until :meth:`go_on`."""
        self.answers.clear()

    def go_on(self) -> None:
        """Answer who waits, and whoever comes."""
        self.answers.set()

    def become_another(self, key: bytes = b"o") -> None:
        """Hold another key, as the sealer of another host does."""
        self._keys = derive_keys(SecretBytes(key * 32), SecretBytes(b"h" * 32))

    async def arrive(self) -> None:
        """Listen."""
        self.path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.path))
        os.environ[DEVELOPMENT_UID] = str(os.getuid())
        log = Log(Process.SEALER)
        self._endpoint = Endpoint(Process.BROKER, Process.SEALER, self, Limits(), log)
        await self._endpoint.serve(listener)

    async def leave(self) -> None:
        """Stop listening and end every connection, in the middle of whatever it is."""
        endpoint, self._endpoint = self._endpoint, None
        self.path.unlink(missing_ok=True)
        if endpoint is not None:
            await endpoint.drain(0.0)

    def __call__(self, request: Request, peer: Peer) -> Coroutine[Any, Any, Reply]:
        """Answer as told."""
        del peer  # the endpoint has checked it
        self.asked.append(type(request))
        return self._answer(request)

    async def _answer(self, request: Request) -> Reply:
        await self.answers.wait()
        if isinstance(request, SealerStatus):
            return self._status(request)
        if self.refuses is not None:
            raise Refusal(self.refuses, f"the stub says {self.refuses}")
        try:
            return self._wrapping(request)
        except DeviceError as error:
            raise Refusal(error.code, error.detail) from None

    def _wrapping(self, request: Request) -> Reply:
        if isinstance(request, WrapKey):
            self.seen.append(request.key.reveal())
            wrapped = wrap(self._keys, request.key, request.purpose, request.generation)
            return WrapKeyReply(id=request.id, wrapped=wrapped)
        assert isinstance(request, UnwrapKey)
        key = unwrap(self._keys, request.wrapped, request.purpose, request.generation)
        return UnwrapKeyReply(id=request.id, key=key)

    def _status(self, request: Request) -> Reply:
        return SealerStatusReply(
            id=request.id,
            state="open" if self.refuses is None else "degraded",
            backend="software",
            hold="open",
            code="" if self.refuses is None else str(self.refuses),
            detail="",
            device_calls=1,
            wraps=0,
            unwraps=0,
            protocol_errors=0,
            slots=[],
        )


@asynccontextmanager
async def sealer_stub(path: Path, *, present: bool = True) -> AsyncIterator[SealerStub]:
    """Run a stub; ``present`` false leaves its socket away until :meth:`SealerStub.arrive`."""
    stub = SealerStub(path)
    if present:
        await stub.arrive()
    try:
        yield stub
    finally:
        stub.go_on()
        await stub.leave()
