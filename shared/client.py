"""The client half of a socket: kept connections, one request in flight on each.

Calls are made with a callback, since the lookup path has no microsecond for a task per hop;
:meth:`Pool.call` is the same for code that awaits. A connection whose request timed out is
closed, never reused: its late reply must not answer somebody else's request (r16).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial

import msgspec

from psi.shared.channel import Call, Channel
from psi.shared.errors import ProtocolError, PsiError, Unreachable
from psi.shared.limits import REPLY_FRAME_BYTES, Limits
from psi.shared.log import Log
from psi.shared.messages.base import Reply, Request
from psi.shared.processes import Process
from psi.shared.routes import reply_decoder, rows
from psi.shared.secret import encode_hook

Answer = Callable[[Reply | PsiError], None]


class Pool:
    """Connections of one caller to one server, at most ``maximum``, the warmest used first."""

    def __init__(
        self, path: str, caller: Process, server: Process, maximum: int, limits: Limits, log: Log
    ) -> None:
        self.path = path
        self.server = server
        self.limits = limits
        self.log = log
        self.cap = REPLY_FRAME_BYTES
        self.decoder = reply_decoder(caller, server)
        self._encoder = msgspec.msgpack.Encoder(enc_hook=encode_hook)
        self._routes = {row.request: row for row in rows(caller, server)}
        self._last_id = 0
        self._generation = 0
        self._maximum = maximum
        self._free: list[Channel] = []
        self._count = 0
        self._pending = 0
        self._waiting: deque[Call] = deque()
        self._connecting: set[asyncio.Task[None]] = set()

    def next_id(self) -> int:
        """Return the id for the next request."""
        self._last_id = (self._last_id + 1) & 0xFFFF_FFFF
        return self._last_id

    def submit(self, request: Request, answer: Answer) -> Call:
        """Send a request; ``answer`` gets the reply or the error, once, unless abandoned.

        The request must have an id from :meth:`next_id`. Raises ProtocolError where the route
        table does not let this caller say it.
        """
        route = self._routes.get(type(request))
        if route is None:
            raise ProtocolError(f"{type(request).__name__} may not be sent to {self.server}")
        call = Call(request.id, self._encoder.encode(request), route, answer)
        self.start(call)
        return call

    async def call(self, request: Request, seconds: float) -> Reply:
        """Send a request and await its reply; raises Unreachable at the deadline, or a PsiError."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Reply | PsiError] = loop.create_future()

        def answer(result: Reply | PsiError) -> None:
            if not future.done():
                future.set_result(result)

        call = self.submit(request, answer)
        try:
            async with asyncio.timeout(seconds):
                result = await future
        except TimeoutError:
            raise Unreachable(f"the {self.server} did not answer in {seconds:g} s") from None
        finally:
            call.abandon()
        if isinstance(result, PsiError):
            raise result
        return result

    def start(self, call: Call) -> None:
        """Give a call to a free connection, a new one, or the queue."""
        if call.done:
            return
        while self._free:
            channel = self._free.pop()
            if channel.send(call):
                return
        self._waiting.append(call)
        self._grow()

    def _grow(self) -> None:
        if self._count < self._maximum and self._pending < len(self._waiting):
            self._count += 1
            self._pending += 1
            task = asyncio.get_running_loop().create_task(self._connect())
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        channel = partial(Channel, self, self._generation)
        while True:
            try:
                await loop.create_unix_connection(channel, self.path)
            except BlockingIOError:
                # The backlog is full: the server lives, so wait as a blocking connect would.
                await asyncio.sleep(self.limits.connect_retry_seconds)
            except OSError as error:
                return self._unreachable(error)
            else:
                return None

    def _unreachable(self, error: OSError) -> None:
        self._count -= 1
        self._pending -= 1
        cause = Unreachable(f"the {self.server} is not reachable: {error.strerror or error}")
        # Other connection attempts may be under way, but they would meet the same.
        waiting, self._waiting = self._waiting, deque()
        for call in waiting:
            call.finish(cause)

    def connected(self, channel: Channel) -> None:
        """Take a connection that was just made."""
        self._pending -= 1
        self.ready(channel)

    def ready(self, channel: Channel) -> None:
        """Take a connection that is free: the next waiting call gets it."""
        if channel.generation != self._generation:
            return channel.close()
        while self._waiting:
            call = self._waiting.popleft()
            if call.done:
                continue
            if not channel.send(call):
                # It ended as it became free; `lost` follows and finds the call another one.
                self._waiting.appendleft(call)
            return None
        self._free.append(channel)
        return None

    def ended(self) -> None:
        """Retire every connection made so far: the server that ended one is ending.

        A repeated call would else meet another that is about to end, and fail.
        """
        self._generation += 1
        for channel in self._free:
            channel.close()
        self._free.clear()

    def lost(self, channel: Channel) -> None:
        """Forget a connection; make another where calls wait for one."""
        self._count -= 1
        if channel in self._free:
            self._free.remove(channel)
        self._grow()

    def retry_later(self, call: Call) -> None:
        """Hold a call whose server speaks another protocol, as during an upgrade (r26)."""
        loop = asyncio.get_running_loop()
        loop.call_later(self.limits.connect_retry_seconds, self.start, call)

    def close(self) -> None:
        """Close every free connection; those in use close when their call is abandoned."""
        for task in self._connecting:
            task.cancel()
        for channel in tuple(self._free):
            channel.close()
