"""One client connection: bytes in, requests out, and every way to be rude on the way back."""

import asyncio
import socket
import struct
from typing import cast

from tests.fakes.infisical.messages import Request

MAX_HEAD = 65_536  # bytes
BODY_LIMIT = 1_048_576  # bytes; the real server's framework refuses more


class ConnectionGoneError(Exception):
    """The client closed the connection or broke HTTP."""


class Connection(asyncio.Protocol):
    """A byte stream with its own flow control and a way to wait for the client's end."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._buffer = bytearray()
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.Transport | None = None
        self.gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start serving."""
        self._transport = cast("asyncio.Transport", transport)
        self._server.start(self)

    def data_received(self, data: bytes) -> None:
        """Keep what came."""
        self._buffer += data
        self._news.set()

    def eof_received(self) -> bool:
        """Note the client's end, and let the transport close."""
        self._lost()
        return False

    def connection_lost(self, _: Exception | None) -> None:
        """Note the end."""
        self._lost()

    def _lost(self) -> None:
        self.gone.set()
        self._news.set()
        self._writable.set()

    def pause_writing(self) -> None:
        """Hold writers back."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let writers go on."""
        self._writable.set()

    @property
    def transport(self) -> asyncio.Transport:
        """The transport of a connection that was made."""
        if self._transport is None:
            raise ConnectionGoneError
        return self._transport

    @property
    def peer(self) -> str:
        """The client's address, without its port."""
        address = self.transport.get_extra_info("peername")
        return str(address[0]) if address else ""

    async def _more(self) -> None:
        if self.gone.is_set():
            raise ConnectionGoneError
        self._news.clear()
        await self._news.wait()

    async def _take_until(self, mark: bytes, limit: int) -> bytes:
        while (end := self._buffer.find(mark)) < 0:
            if len(self._buffer) > limit:
                raise ConnectionGoneError
            await self._more()
        return self._take(end + len(mark))

    async def _take_exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            await self._more()
        return self._take(count)

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    async def read_request(self) -> Request:
        """Return the next request.

        Raises:
            ConnectionGoneError: at the end, and for what is no HTTP/1.1 request.

        """
        head = (await self._take_until(b"\r\n\r\n", MAX_HEAD)).decode("latin-1")
        first, *lines = head[:-4].split("\r\n")
        method, _, rest = first.partition(" ")
        target = rest.rpartition(" ")[0]
        if not method or not target.startswith("/"):
            raise ConnectionGoneError
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("expect", "").lower() == "100-continue":
            await self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body, too_large = await self._read_body(headers)
        return Request(method, target, headers, body, self.peer, too_large)

    async def _read_body(self, headers: dict[str, str]) -> tuple[bytes, bool]:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return await self._read_chunks()
        try:
            left = int(headers.get("content-length", "0"))
        except ValueError as error:
            raise ConnectionGoneError from error
        if left <= BODY_LIMIT:
            return await self._take_exactly(left), False
        while left > 0:  # read and forget, so that the client gets to read the refusal
            left -= len(await self._take_exactly(min(left, BODY_LIMIT)))
        return b"", True

    async def _read_chunks(self) -> tuple[bytes, bool]:
        body = bytearray()
        too_large = False
        while True:
            line = await self._take_until(b"\r\n", MAX_HEAD)
            try:
                size = int(line.partition(b";")[0], 16)
            except ValueError as error:
                raise ConnectionGoneError from error
            chunk = (await self._take_exactly(size + 2))[:-2]
            if size == 0:
                return (b"" if too_large else bytes(body)), too_large
            too_large = too_large or len(body) + size > BODY_LIMIT
            body += b"" if too_large else chunk

    async def write(self, data: bytes) -> None:
        """Send bytes, waiting while the client does not read.

        Raises:
            ConnectionGoneError: when the client is gone.

        """
        await self._writable.wait()
        if self.gone.is_set():
            raise ConnectionGoneError
        self.transport.write(data)

    async def close(self) -> None:
        """Close in order: all that was written is sent first."""
        self.transport.close()

    def reset(self) -> None:
        """Close with a TCP reset."""
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    async def wait_for(self, event: asyncio.Event, seconds: float | None = None) -> None:
        """Wait for an event or a time, whichever is first.

        Raises:
            ConnectionGoneError: when the client leaves before.

        """
        waits = [asyncio.create_task(one.wait()) for one in (event, self.gone)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self.gone.is_set():
            raise ConnectionGoneError


class Server:
    """What a connection needs of its server."""

    def start(self, connection: Connection) -> None:
        """Begin to serve a connection."""
        raise NotImplementedError
