"""A server that answers each request with the next bytes of a script: for what is not HTTP."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

TOKEN = "opaque-token"
LOGIN_BODY = {
    "accessToken": TOKEN,
    "expiresIn": 3600,
    "accessTokenMaxTTL": 0,
    "tokenType": "Bearer",
}
CLOSE = b""
"""In a script: end the connection without an answer."""


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return a whole response; JSON unless the headers say otherwise."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    if not any(line.lower().startswith("content-type") for line in headers):
        lines.append("Content-Type: application/json; charset=utf-8")
    return "\r\n".join([*lines, "", ""]).encode() + body


def login() -> bytes:
    """Return the answer to a good login."""
    return answer(json.dumps(LOGIN_BODY).encode())


@dataclass
class ScriptedServer:
    """What was received, connection by connection; the last piece of a script repeats."""

    script: Sequence[bytes]
    url: str = ""
    heads: list[str] = field(default_factory=list)
    sent: int = 0
    connections: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    tasks: set["asyncio.Task[None] | None"] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        self.tasks.add(asyncio.current_task())
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                await reader.readexactly(_length(head))
                piece = self.script[min(len(self.heads), len(self.script) - 1)]
                self.heads.append(head)
                if piece == CLOSE:
                    return
                await self._send(writer, piece)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _send(self, writer: asyncio.StreamWriter, piece: bytes) -> None:
        for start in range(0, len(piece), 16_384):
            writer.write(piece[start : start + 16_384])
            await writer.drain()
            self.sent += len(piece[start : start + 16_384])


def _length(head: str) -> int:
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return 0


@contextlib.asynccontextmanager
async def scripted(*script: bytes) -> AsyncIterator[ScriptedServer]:
    """Serve a script on a free port of this host."""
    state = ScriptedServer(script)
    server = await asyncio.start_server(state.serve, "127.0.0.1", 0)
    state.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield state
    finally:
        server.close()
        for writer in state.writers:
            writer.close()
        if state.tasks:
            await asyncio.wait({task for task in state.tasks if task is not None})
