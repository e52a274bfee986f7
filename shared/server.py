"""The server half of a socket: accept, check the peer, cut frames, decode, answer.

One request is in flight per connection. A peer that breaks the protocol is logged once and
closed without explanation; a legitimate refusal is a typed reply.
"""

import asyncio
import socket
import sys
from collections.abc import Coroutine
from typing import Any, Protocol, cast

import msgspec

from psi.shared.errors import UNDECODABLE, ProtocolError, Refusal
from psi.shared.framing import WRONG_PROTOCOL, FrameReader, WrongProtocolError, pack
from psi.shared.limits import BACKLOG, Limits
from psi.shared.log import Log
from psi.shared.messages.base import Refused, Reply, Request
from psi.shared.peer import Peer, accepted_uids, peer_of
from psi.shared.processes import Process
from psi.shared.routes import request_cap, request_decoder
from psi.shared.secret import encode_hook

_ENCODER = msgspec.msgpack.Encoder(enc_hook=encode_hook)


class Handler(Protocol):
    """What a server does with a request: a reply at once, or a coroutine that makes one."""

    def __call__(self, request: Any, peer: Peer, /) -> Reply | Coroutine[Any, Any, Reply]:
        """Answer what the socket's decoder gave; a Refusal that is raised becomes a Refused reply.

        A handler declares its own union of requests: it is the rows of its socket, so there is
        nothing left to check.
        """
        ...


class Endpoint:
    """One listening socket: its caller's role, what may be said on it, and who is connected."""

    def __init__(
        self, caller: Process, server: Process, handler: Handler, limits: Limits, log: Log
    ) -> None:
        self.caller = caller
        self.handler = handler
        self.limits = limits
        self.log = log
        self.decoder = request_decoder(caller, server)
        self.cap = request_cap(caller)
        self.uids = accepted_uids(caller)
        self.protocol_errors = 0
        self.maximum = _maximum(caller, limits)
        self.connections: set[Connection] = set()
        self.drained = False
        self._server: asyncio.Server | None = None

    async def serve(self, listener: socket.socket) -> None:
        """Accept on a passed socket until :meth:`drain`."""
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {}
        if sys.version_info >= (3, 13):
            # The path is systemd's: its removal at a drain would end the next start's callers.
            options["cleanup_socket"] = False
        self._server = await loop.create_unix_server(
            lambda: Connection(self), sock=listener, backlog=BACKLOG, **options
        )

    async def drain(self, seconds: float) -> None:
        """Stop accepting, let requests in flight finish for so long, then refuse and close."""
        if self._server is not None:
            self._server.close()
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        # Requests may still come by kept connections: none that was read goes without an answer.
        while tasks := {c.task for c in self.connections if c.task is not None}:
            _, late = await asyncio.wait(tasks, timeout=max(0, end - loop.time()))
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        self.drained = True
        for connection in tuple(self.connections):
            connection.close()

    def broke_protocol(self, cause: str, peer: Peer | None) -> None:
        """Count and log a peer that breaks the protocol."""
        self.protocol_errors += 1
        uid = peer.uid if peer else "unknown"
        self.log.warning("peer.closed", caller=self.caller, cause=cause, uid=uid)


def _maximum(caller: Process, limits: Limits) -> int:
    match caller:
        case Process.CTL:
            return limits.control_connections
        case Process.PKI:
            return limits.pki_connections
        case _:
            return limits.broker_connections


class Connection(asyncio.Protocol):
    """One accepted connection."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._reader = FrameReader(endpoint.cap)
        self._transport: asyncio.Transport | None = None
        self._peer: Peer | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._request_id = 0
        self._unsent = False
        self.task: asyncio.Task[Reply] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Check who it is before a byte is read."""
        # uvloop's transports are none of asyncio's classes, so there is nothing to assert on.
        self._transport = cast("asyncio.Transport", transport)
        endpoint = self._endpoint
        endpoint.connections.add(self)
        if endpoint.drained:
            # Accepted just before the end: unread, so that its caller asks the next server.
            return self.close()
        self._peer = peer_of(transport.get_extra_info("socket"))
        if self._peer.uid not in endpoint.uids:
            self._break("the uid may not connect")
        elif len(endpoint.connections) > endpoint.maximum:
            self._break("too many connections")
        return None

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        """Forget it; a request in flight goes on, for others may wait for the same fetch."""
        self._endpoint.connections.discard(self)
        self._transport = None
        self._disarm()

    def pause_writing(self) -> None:
        """Note that a reply waits for its reader: more of them would fill the memory."""
        self._unsent = True

    def resume_writing(self) -> None:
        """Note that it went."""
        self._unsent = False

    def data_received(self, data: bytes) -> None:
        """Handle each frame; a second request before the reply breaks the protocol."""
        try:
            untrusted_body = self._reader.whole(data)
            if untrusted_body is not None:
                self._dispatch(untrusted_body)
                return
            for untrusted_body in self._reader.feed(data):
                self._disarm()
                self._dispatch(untrusted_body)
        except WrongProtocolError as error:
            self._write(WRONG_PROTOCOL)
            self._break(str(error))
        except ProtocolError as error:
            self._break(str(error))
        if self._reader.partial and self._transport is not None and self._timer is None:
            loop = asyncio.get_running_loop()
            seconds = self._endpoint.limits.frame_seconds
            self._timer = loop.call_later(seconds, self._break, "a frame was not finished in time")

    def close(self) -> None:
        """Close after what is written has been sent."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def _dispatch(self, untrusted_body: bytes) -> None:
        if self.task is not None or self._unsent:
            raise ProtocolError("a second request in flight")
        try:
            request: Request = self._endpoint.decoder.decode(untrusted_body)
        except UNDECODABLE as error:
            raise ProtocolError(f"undecodable: {error}") from None
        self._request_id = request.id
        assert self._peer is not None  # noqa: S101  # set before the first byte
        try:
            answer = self._endpoint.handler(request, self._peer)
        except Exception as error:  # noqa: BLE001  # as a task's: any fault becomes a refusal
            answer = self._refusal(error)
        if isinstance(answer, Reply):
            self._reply(answer)
        else:
            self.task = asyncio.get_running_loop().create_task(answer)
            self.task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Reply]) -> None:
        self.task = None
        if task.cancelled():
            reply: Reply = Refused(code="draining", detail="the service is stopping; try again")
        else:
            error = task.exception()
            reply = task.result() if error is None else self._refusal(error)
        self._reply(reply)

    def _refusal(self, error: BaseException) -> Refused:
        if isinstance(error, Refusal):
            return Refused(code=error.code, detail=error.detail)
        self._endpoint.log.fault("request.failed", error, caller=self._endpoint.caller)
        detail = f"a fault of the {self._endpoint.log.name}; its log has the cause"
        return Refused(code="internal", detail=detail)

    def _reply(self, reply: Reply) -> None:
        if reply.id != self._request_id:
            reply = msgspec.structs.replace(reply, id=self._request_id)
        try:
            body = _ENCODER.encode(reply)
        except (ValueError, TypeError, OverflowError) as error:
            # Such as text with a lone surrogate: without an answer the caller would wait.
            refusal = msgspec.structs.replace(self._refusal(error), id=self._request_id)
            body = _ENCODER.encode(refusal)
        self._write(pack(body))

    def _write(self, data: bytes) -> None:
        # uvloop raises on a transport that its peer has closed; asyncio only warns.
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _break(self, cause: str) -> None:
        self._endpoint.broke_protocol(cause, self._peer)
        self.close()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
