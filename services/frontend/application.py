"""What each route does: a message to the broker, and its reply back as HTTP."""

import asyncio
import os
import socket
import time
from typing import assert_never

from psi.frontend.broker_link import BrokerLink
from psi.frontend.connection import Connection, State
from psi.frontend.head import Head, Route
from psi.frontend.listener import Listener
from psi.frontend.metrics import Metrics
from psi.frontend.replies import NOTHING, refusal_reply, text_reply, value_reply
from psi.shared.client import Pool
from psi.shared.errors import PsiError
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.base import Refused, Reply, Request
from psi.shared.messages.broker import DeleteMapping, Lookup, LookupReply, Ping, StoreMapping
from psi.shared.peer import accepted_uids
from psi.shared.processes import Process

_SWEEPS_PER_DEADLINE = 10
"""Deadlines are looked at this often within the shortest of them: one timer serves all."""


class Application:
    """The frontend: open connections, the link to the broker, the counters."""

    def __init__(
        self, listening: socket.socket, link: BrokerLink, limits: Limits, log: Log
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.limits = limits
        self.log = log
        self.uids = accepted_uids(Process.HTTP)
        self._link = link
        self._metrics = Metrics()
        self._connections: set[Connection] = set()
        self._idle = asyncio.Event()
        self._draining = False
        # With one core the broker could not answer while we look out for its answer.
        self._lingers = len(os.sched_getaffinity(0)) > 1
        shortest = min(
            limits.http_request_seconds, limits.degraded_lookup_seconds, limits.ping_seconds
        )
        self._interval = shortest / _SWEEPS_PER_DEADLINE
        self._sweeper: asyncio.TimerHandle | None = None
        self._listener = Listener(listening, limits.http_connections, self._accepted, log)

    def _accepted(self, connected: socket.socket) -> None:
        connection = Connection(connected, self)
        self._connections.add(connection)
        if self._sweeper is None:
            self._sweeper = self.loop.call_later(self._interval, self._sweep)
        connection.start()

    def forget(self, connection: Connection) -> None:
        """Drop a closed connection; its place is free."""
        self._connections.discard(connection)
        self._listener.released()
        if self._draining and not self._connections:
            self._idle.set()

    def observe(self, connection: Connection, status: int) -> None:
        """Count a request that is about to be answered."""
        route = connection.head.route if connection.head else "none"
        self._metrics.observe(route, status, time.monotonic() - connection.started)

    def dispatch(self, connection: Connection, head: Head, body: bytes) -> None:
        """Do what the route does."""
        match head.route:
            case Route.LOOKUP:
                self._lookup(connection, head.secret_id)
            case Route.STORE:
                self._store(connection, head.secret_id, body)
            case Route.DELETE:
                self._delete(connection, head.secret_id)
            case Route.LIST:
                connection.reply(200, NOTHING)
            case Route.HEALTHZ:
                pings = self._link.pings
                self._ask(connection, pings, Ping(id=pings.next_id()), self.limits.ping_seconds)
            case Route.METRICS:
                connection.reply(200, text_reply(self._render()))
            case _:
                assert_never(head.route)

    def _lookup(self, connection: Connection, secret_id: str) -> None:
        pool, peer = self._link.pool, connection.peer
        request = Lookup(
            id=pool.next_id(), secret_id=secret_id, claimed_uid=peer.uid, claimed_pid=peer.pid
        )
        self._ask(connection, pool, request, self._link.lookup_seconds)

    def _store(self, connection: Connection, secret_id: str, body: bytes) -> None:
        pool, uid = self._link.pool, connection.peer.uid
        request = StoreMapping(
            id=pool.next_id(), secret_id=secret_id, mapping=body, claimed_uid=uid
        )
        self._ask(connection, pool, request, self._link.lookup_seconds)

    def _delete(self, connection: Connection, secret_id: str) -> None:
        pool, uid = self._link.pool, connection.peer.uid
        request = DeleteMapping(id=pool.next_id(), secret_id=secret_id, claimed_uid=uid)
        self._ask(connection, pool, request, self._link.lookup_seconds)

    def _ask(self, connection: Connection, pool: Pool, request: Request, seconds: float) -> None:
        connection.deadline = connection.started + seconds

        def answer(result: Reply | PsiError) -> None:
            connection.call = None
            _answer(connection, result)

        call = pool.submit(request, answer)
        if not call.done:
            connection.call = call
        if call.channel is not None and self._lingers and self._listener.open == 1:
            call.channel.linger(self.limits.linger_seconds)

    def _render(self) -> str:
        return self._metrics.render(len(self._connections), degraded=self._link.degraded)

    def _sweep(self) -> None:
        """End what has passed its deadline."""
        self._sweeper = None
        now = time.monotonic()
        for connection in [c for c in self._connections if c.deadline <= now]:
            self._expire(connection)
        if self._connections:
            self._sweeper = self.loop.call_later(self._interval, self._sweep)

    def _expire(self, connection: Connection) -> None:
        match connection.state:
            case State.READING:
                connection.refuse(400, "bad-request", "the request was not sent in time")
            case State.WAITING:
                if connection.head is not None and connection.head.route is Route.LOOKUP:
                    self._link.missed_deadline()
                self._give_up(connection, "the broker did not answer in time; see psictl status")
            case State.WRITING | State.CLOSED:
                connection.close()
            case _:
                assert_never(connection.state)

    def _give_up(self, connection: Connection, detail: str) -> None:
        if connection.call is not None:
            connection.call.abandon()
            connection.call = None
        connection.refuse(503, "unavailable", detail)

    async def drain(self) -> None:
        """Serve who is connected, for a bounded time; who waits in the backlog is not touched."""
        self._listener.close()
        self._draining = True
        if not self._connections:
            self._idle.set()
        try:
            async with asyncio.timeout(self.limits.drain_seconds):
                await self._idle.wait()
        except TimeoutError:
            for connection in tuple(self._connections):
                if connection.state is State.WAITING:
                    self._give_up(connection, "the frontend is stopping; try again")
                connection.close()
        self._link.close()


def _answer(connection: Connection, result: Reply | PsiError) -> None:
    match result:
        case LookupReply():
            _hand_over(connection, result.value.reveal())
        case Refused():
            connection.reply(*refusal_reply(result.code, result.detail))
        case PsiError():
            connection.refuse(503, "unavailable", f"{result}; see psictl status")
        case _ if connection.head is not None and connection.head.route is Route.HEALTHZ:
            connection.reply(200, text_reply("ok\n"))
        case _:
            connection.reply(200, NOTHING)


def _hand_over(connection: Connection, value: bytes) -> None:
    if value:
        connection.reply(200, value_reply(value))
    else:
        connection.refuse(502, "bad-value", "the broker sent an empty value; see its log")
