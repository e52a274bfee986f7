"""One client connection: bytes in, bytes out, and the means to be rude with them."""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import cast


class ConnectionGoneError(Exception):
    """The client closed the connection or broke HTTP."""


class Connection(asyncio.Protocol):
    """A byte stream with its own flow control and a way to wait for the client's end."""

    def __init__(self, start: Callable[["Connection"], None]) -> None:
        self._start = start
        self._buffer = bytearray()
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.Transport | None = None
        self.gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start serving."""
        self._transport = cast("asyncio.Transport", transport)
        self._start(self)

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
    def certificate(self) -> bytes | None:
        """The client's certificate (DER), if it showed one in the TLS handshake."""
        tls = self.transport.get_extra_info("ssl_object")
        return tls.getpeercert(binary_form=True) if tls is not None else None

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

    async def take_until(self, mark: bytes, limit: int) -> bytes:
        """Return the bytes up to a mark and with it; past the limit the connection is given up."""
        while (end := self._buffer.find(mark)) < 0:
            if len(self._buffer) > limit:
                raise ConnectionGoneError
            await self._more()
        return self._take(end + len(mark))

    async def take_exactly(self, count: int) -> bytes:
        """Return so many bytes."""
        while len(self._buffer) < count:
            await self._more()
        return self._take(count)

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

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
