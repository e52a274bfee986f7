"""Both ends of a socket for tests: a raw client of a real Endpoint, and what serves it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import msgspec

from psi.shared.framing import HEADER_BYTES, pack
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.base import Done, Reply, Request
from psi.shared.peer import Peer
from psi.shared.processes import Process
from psi.shared.routes import reply_decoder
from psi.shared.secret import encode_hook
from psi.shared.server import Endpoint, Handler
from tests.unit.shared.loops import until

READ_BYTES = 1 << 20


def listening(path: Path, backlog: int = 100) -> socket.socket:
    """Return a listening Unix socket."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(backlog)
    listener.setblocking(False)
    return listener


def encode(message: Any) -> bytes:
    """Return a message's bytes, without a frame."""
    return msgspec.msgpack.encode(message, enc_hook=encode_hook)


def frame(message: Any) -> bytes:
    """Return a message in its frame."""
    return pack(encode(message))


class Recorder:
    """A handler that says Done at once, and keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.peers: list[Peer] = []

    def __call__(self, request: Request, peer: Peer) -> Reply | Coroutine[Any, Any, Reply]:
        self.requests.append(request)
        self.peers.append(peer)
        return Done()


@asynccontextmanager
async def serving(
    path: Path,
    handler: Handler,
    caller: Process = Process.FRONTEND,
    limits: Limits | None = None,
    server: Process = Process.BROKER,
) -> AsyncIterator[Endpoint]:
    """Serve a socket, of the broker unless another is named, with a real Endpoint."""
    endpoint = Endpoint(caller, server, handler, limits or Limits(), Log(server))
    await endpoint.serve(listening(path))
    try:
        yield endpoint
    finally:
        await endpoint.drain(0)


class Wire:
    """A raw connection to a server: says anything, and sees every byte that comes back."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, caller: Process
    ) -> None:
        self.reader = reader
        self.writer = writer
        self._decoder = reply_decoder(caller, Process.BROKER)

    @classmethod
    async def connect(cls, path: Path, caller: Process = Process.FRONTEND) -> Self:
        reader, writer = await asyncio.open_unix_connection(str(path), limit=2 * READ_BYTES)
        return cls(reader, writer, caller)

    async def send(self, data: bytes) -> None:
        """Send bytes; a server that has closed meanwhile is no fault of the test."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except (ConnectionError, RuntimeError):
            # uvloop has an error of its own for a connection that is closed.
            return

    async def reply(self) -> Any:
        """Return the next reply."""
        header = await self.reader.readexactly(HEADER_BYTES)
        body = await self.reader.readexactly(int.from_bytes(header[1:]))
        return self._decoder.decode(body)

    async def ask(self, request: Request) -> Any:
        """Send a request and return its reply."""
        await self.send(frame(request))
        return await self.reply()

    async def rest(self) -> bytes:
        """Return what comes until the server closes."""
        received = b""
        try:
            while data := await self.reader.read(READ_BYTES):
                received += data
        except ConnectionError:
            # It closed with bytes of ours unread, or still to be sent (unix(7)).
            return received
        return received

    def close(self) -> None:
        """Hang up."""
        self.writer.transport.abort()


def closes(
    path: Path,
    say: bytes,
    answer: bytes = b"",
    caller: Process = Process.FRONTEND,
    limits: Limits | None = None,
) -> Coroutine[Any, Any, None]:
    """Say something, and expect the end without any request having been handled."""

    async def scenario() -> None:
        recorder = Recorder()
        async with serving(path, recorder, caller, limits) as endpoint:
            wire = await Wire.connect(path, caller)
            await wire.send(say)
            assert await wire.rest() == answer
            assert recorder.requests == []
            assert endpoint.protocol_errors == 1
            await until(lambda: not endpoint.connections)

    return scenario()
