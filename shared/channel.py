"""One connection of a pool and the one call in flight on it."""

import asyncio
import select
import time
from collections.abc import Callable
from typing import Any, Protocol, cast

import msgspec

from psi.shared.errors import UNDECODABLE, ProtocolError, PsiError, Unreachable
from psi.shared.framing import WRONG_PROTOCOL, FrameReader, pack
from psi.shared.log import Log
from psi.shared.messages.base import Refused, Reply
from psi.shared.processes import Process
from psi.shared.routes import Route

_UNREAD_REPEATS = 3
"""Servers that ended one after the other without having read a request; more is no restart."""


_NOT_READ = (ConnectionResetError, BrokenPipeError)
"""How a Unix socket tells that its peer closed before it had read all: what was sent, or what was
still to be sent, was never a request (unix(7); Linux, net/unix/af_unix.c, unix_release_sock)."""


class Call:
    """A request on its way: answered once, or abandoned by the one who asked."""

    __slots__ = ("_answer", "channel", "done", "frame", "request_id", "retried", "route", "unread")

    def __init__(
        self, request_id: int, body: bytes, route: Route, answer: Callable[[Any], None]
    ) -> None:
        self.request_id = request_id
        self.frame = pack(body)
        self.route = route
        self.retried = False
        self.unread = 0
        self.done = False
        self.channel: Channel | None = None
        self._answer = answer

    def finish(self, result: Reply | PsiError) -> None:
        """Hand over the result, unless somebody was quicker."""
        if not self.done:
            self.done = True
            self.channel = None
            self._answer(result)

    def abandon(self) -> None:
        """Give up: no answer is wanted, and the connection that owes it is closed."""
        if not self.done:
            self.done = True
            if self.channel is not None:
                self.channel.close()


class Owner(Protocol):
    """What a connection needs of its pool."""

    server: Process
    log: Log
    cap: int
    decoder: msgspec.msgpack.Decoder[Any]

    def start(self, call: Call) -> None:
        """Send a call by another connection."""

    def connected(self, channel: "Channel") -> None:
        """Take a connection that was just made."""

    def ready(self, channel: "Channel") -> None:
        """Take a connection that is free."""

    def ended(self) -> None:
        """Trust no connection that is as old as one that the server ended."""

    def lost(self, channel: "Channel") -> None:
        """Forget a connection."""

    def retry_later(self, call: Call) -> None:
        """Hold a call while the server is being replaced."""


class Channel(asyncio.Protocol):
    """A kept connection."""

    def __init__(self, owner: Owner, generation: int) -> None:
        self.generation = generation
        self._owner = owner
        self._reader = FrameReader(owner.cap)
        self._transport: asyncio.Transport | None = None
        self._closing = False
        self._call: Call | None = None
        self._input = select.poll()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Offer the connection to the pool."""
        # uvloop's transports are none of asyncio's classes, so there is nothing to assert on.
        self._transport = cast("asyncio.Transport", transport)
        self._input.register(transport.get_extra_info("socket"), select.POLLIN)
        self._owner.connected(self)

    def send(self, call: Call) -> bool:
        """Send a call's request; false where the connection has ended meanwhile."""
        if self._transport is None or self._transport.is_closing():
            return False
        self._call = call
        call.channel = self
        self._transport.write(call.frame)
        return True

    def linger(self, seconds: float) -> None:
        """Wait for the reply's first byte without sleeping, at most so long; the loop reads it.

        For a caller that is alone and has a core to itself: nobody else is served meanwhile.
        """
        until = time.monotonic() + seconds
        while not self._input.poll(0) and time.monotonic() < until:
            pass

    def data_received(self, data: bytes) -> None:
        """Take the reply; anything unexpected ends the connection."""
        if data == WRONG_PROTOCOL and not self._reader.partial:
            return self._other_protocol()
        try:
            untrusted_body = self._reader.whole(data)
            if untrusted_body is not None:
                self._take(untrusted_body)
                return None
            for untrusted_body in self._reader.feed(data):
                self._take(untrusted_body)
        except ProtocolError as error:
            self._broken(str(error))
        return None

    def _take(self, untrusted_body: bytes) -> None:
        call = self._call
        if call is None:
            raise ProtocolError("a reply that nobody asked for")
        try:
            reply: Reply = self._owner.decoder.decode(untrusted_body)
        except UNDECODABLE as error:
            raise ProtocolError(f"undecodable: {error}") from None
        expected = isinstance(reply, (call.route.reply, Refused))
        if reply.id != call.request_id or not expected:
            raise ProtocolError("a reply to another request")
        self._call = None
        # Free before the answer runs: whatever it does must not keep or end this connection.
        self._owner.ready(self)
        call.finish(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        """Repeat the call where that is safe: the server restarted under us."""
        self._transport = None
        call, self._call = self._call, None
        if not self._closing:
            self._owner.ended()
        self._owner.lost(self)
        if call is None or call.done:
            return
        if isinstance(exc, _NOT_READ) and call.unread < _UNREAD_REPEATS:
            call.unread += 1
            self._owner.retry_later(call)
        elif call.route.idempotent and not call.retried:
            call.retried = True
            self._owner.start(call)
        else:
            cause = f"the {self._owner.server} ended the connection without an answer"
            call.finish(Unreachable(cause))

    def close(self) -> None:
        """End the connection."""
        self._closing = True
        if self._transport is not None:
            self._transport.close()

    def _other_protocol(self) -> None:
        call, self._call = self._call, None
        self.close()
        if call is not None:
            self._owner.retry_later(call)

    def _broken(self, cause: str) -> None:
        self._owner.log.warning("server.closed", server=self._owner.server, cause=cause)
        call, self._call = self._call, None
        self.close()
        if call is not None:
            call.finish(Unreachable(f"the {self._owner.server} broke the protocol; see the log"))
