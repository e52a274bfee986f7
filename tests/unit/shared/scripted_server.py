"""A server for tests of the client half: it says on each connection what a test's script says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from psi.shared.client import Pool
from psi.shared.framing import HEADER_BYTES
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.base import Reply
from psi.shared.messages.broker import Ping, Pong
from psi.shared.processes import Process
from psi.shared.routes import request_decoder
from tests.unit.shared.wire import frame, listening

_DECODER = request_decoder(Process.FRONTEND, Process.BROKER)


class Conversation:
    """One accepted connection."""

    def __init__(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.number = number
        """0 is the first that was accepted."""
        self._reader = reader
        self._writer = writer

    async def request(self) -> Any:
        """Return the next request, or None when the caller has closed."""
        try:
            header = await self._reader.readexactly(HEADER_BYTES)
            body = await self._reader.readexactly(int.from_bytes(header[1:]))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return _DECODER.decode(body)

    async def say(self, answer: Reply | bytes) -> None:
        """Send a reply, or any bytes."""
        try:
            self._writer.write(answer if isinstance(answer, bytes) else frame(answer))
            await self._writer.drain()
        except (ConnectionError, RuntimeError):
            # The caller has closed; uvloop has an error of its own for that.
            return

    async def until_closed(self) -> None:
        """Wait until the caller closes."""
        while await self.request() is not None:
            pass

    def close(self) -> None:
        """End the connection after what was said."""
        self._writer.close()


Script = Callable[[Conversation], Awaitable[None]]


class ScriptedServer:
    """Counts its connections; each ends with its script."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.accepted = 0
        self.open = 0

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = Conversation(self.accepted, reader, writer)
        self.accepted += 1
        self.open += 1
        try:
            await self._script(conversation)
        finally:
            self.open -= 1
            conversation.close()


@asynccontextmanager
async def scripted(path: Path, script: Script) -> AsyncIterator[ScriptedServer]:
    """Serve a socket by a script."""
    server = ScriptedServer(script)
    tasks: set[asyncio.Task[None]] = set()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(server.converse(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_unix_server(accepted, sock=listening(path))
    try:
        yield server
    finally:
        listener.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def pool_of(path: Path, maximum: int = 4, limits: Limits | None = None) -> Pool:
    """Return the frontend's pool to the broker."""
    limits = limits or Limits(connect_retry_seconds=0.005)
    return Pool(str(path), Process.FRONTEND, Process.BROKER, maximum, limits, Log(Process.FRONTEND))


async def ping(pool: Pool, seconds: float = 15) -> Reply:
    """Call a Ping."""
    return await pool.call(Ping(id=pool.next_id()), seconds)


async def echo(conversation: Conversation) -> None:
    """Answer every Ping."""
    while (request := await conversation.request()) is not None:
        await conversation.say(Pong(id=request.id))
