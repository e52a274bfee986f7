"""How a listening socket ends: who is being served is, who waits is left to the next server."""

import asyncio
import os
import socket
import stat
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.base import Done, Refused, Reply
from psi.shared.messages.broker import Ping, Pong
from psi.shared.processes import Process
from psi.shared.server import Connection, Endpoint
from tests.unit.shared.loops import Run, until
from tests.unit.shared.wire import Recorder, Wire, frame, listening

pytestmark = pytest.mark.usefixtures("own_uid_accepted")


class Gated:
    """A handler whose replies wait for a gate."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.begun = 0

    async def _answer(self) -> Reply:
        self.begun += 1
        await self.gate.wait()
        return Pong()

    def __call__(self, *_: object) -> object:
        return self._answer()


@asynccontextmanager
async def kept_listener(path: Path) -> AsyncIterator[socket.socket]:
    """Hold the listening socket as systemd does, whoever serves it."""
    with listening(path) as held:
        yield held


async def started(held: socket.socket, handler: object) -> Endpoint:
    endpoint = Endpoint(
        Process.FRONTEND, Process.BROKER, handler, Limits(), Log(Process.BROKER)  # type: ignore[arg-type]  # a handler by its form
    )  # fmt: skip
    await endpoint.serve(held.dup())
    return endpoint


def test_a_request_in_flight_is_finished(run: Run, path: Path) -> None:
    async def scenario() -> None:
        async with kept_listener(path) as held:
            handler = Gated()
            endpoint = await started(held, handler)
            wire = await Wire.connect(path)
            await wire.send(frame(Ping(id=1)))
            await until(lambda: handler.begun)
            draining = asyncio.create_task(endpoint.drain(20))
            await asyncio.sleep(0)
            handler.gate.set()
            assert await wire.reply() == Pong(id=1)
            await draining
            assert await wire.rest() == b""

    run(scenario())


def test_a_request_that_takes_longer_is_refused(run: Run, path: Path) -> None:
    async def scenario() -> None:
        async with kept_listener(path) as held:
            handler = Gated()
            endpoint = await started(held, handler)
            wires = [await Wire.connect(path) for _ in range(3)]
            for wire in wires:
                await wire.send(frame(Ping(id=1)))
            await until(lambda: handler.begun == 3)
            begun = time.monotonic()
            await endpoint.drain(0.05)
            assert time.monotonic() - begun >= 0.05
            for wire in wires:
                reply = await wire.reply()
                assert isinstance(reply, Refused)
                assert (reply.id, reply.code) == (1, "draining")
                assert await wire.rest() == b""

    run(scenario())


def test_an_idle_connection_is_closed_at_once(run: Run, path: Path) -> None:
    async def scenario() -> None:
        async with kept_listener(path) as held:
            endpoint = await started(held, Recorder())
            wire = await Wire.connect(path)
            assert await wire.ask(Ping(id=1)) == Done(id=1)
            await endpoint.drain(20)
            assert await wire.rest() == b""

    run(scenario())


def test_who_connects_meanwhile_is_served_by_the_next(run: Run, path: Path) -> None:
    async def scenario() -> None:
        async with kept_listener(path) as held:
            handler = Gated()
            old = await started(held, handler)
            first = await Wire.connect(path)
            await first.send(frame(Ping(id=1)))
            await until(lambda: handler.begun)
            draining = asyncio.create_task(old.drain(20))
            await asyncio.sleep(0)
            second = await Wire.connect(path)
            await second.send(frame(Ping(id=2)))
            handler.gate.set()
            assert await first.reply() == Pong(id=1)
            await draining
            assert handler.begun == 1
            new = await started(held, Recorder())
            assert await second.reply() == Done(id=2)
            await new.drain(0)

    run(scenario())


def test_a_request_that_comes_meanwhile_by_a_kept_connection_is_finished(
    run: Run, path: Path
) -> None:
    async def scenario() -> None:
        async with kept_listener(path) as held:
            handler = Gated()
            endpoint = await started(held, handler)
            first, second = await Wire.connect(path), await Wire.connect(path)
            await first.send(frame(Ping(id=1)))
            await until(lambda: handler.begun == 1 and len(endpoint.connections) == 2)
            draining = asyncio.create_task(endpoint.drain(20))
            await asyncio.sleep(0)
            await second.send(frame(Ping(id=2)))
            await until(lambda: handler.begun == 2)
            handler.gate.set()
            assert await first.reply() == Pong(id=1)
            assert await second.reply() == Pong(id=2)
            await draining

    run(scenario())


def test_requests_that_keep_coming_end_with_the_time(run: Run, path: Path) -> None:
    async def scenario() -> None:
        async with kept_listener(path) as held:
            endpoint = await started(held, Turns())
            wires = [await Wire.connect(path) for _ in range(4)]
            asking = [asyncio.create_task(_ask_on(wire)) for wire in wires]
            await until(lambda: len(endpoint.connections) == 4)
            await endpoint.drain(0.05)
            for replies in await asyncio.gather(*asking):
                assert {type(each) for each in replies} <= {Pong, Refused}

    run(scenario())


class Turns:
    """A handler that always takes a few turns of the loop."""

    async def _answer(self) -> Reply:
        for _ in range(3):
            await asyncio.sleep(0)
        return Pong()

    def __call__(self, *_: object) -> object:
        return self._answer()


async def _ask_on(wire: Wire) -> list[Reply]:
    """Ask until the connection ends, and see each request answered or never read."""
    replies = []
    while True:
        await wire.send(frame(Ping(id=1)))
        try:
            replies.append(await wire.reply())
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise
            return replies
        except ConnectionError:
            return replies


def test_a_connection_of_the_last_moment_is_left_to_the_next(run: Run, path: Path) -> None:
    """It was accepted, but the loop had not told so yet."""

    async def scenario() -> None:
        recorder = Recorder()
        endpoint = Endpoint(
            Process.FRONTEND, Process.BROKER, recorder, Limits(), Log(Process.BROKER)
        )
        await endpoint.drain(0)
        here, there = socket.socketpair()
        with here:
            here.sendall(frame(Ping(id=1)))
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: Connection(endpoint), there
            )
            here.setblocking(False)
            with pytest.raises(ConnectionResetError):
                await asyncio.get_running_loop().sock_recv(here, 100)
        assert recorder.requests == []

    run(scenario())


def test_the_path_stays_for_the_next(run: Run, path: Path) -> None:
    """Python 3.13 and uvloop remove a server's path, unless told otherwise."""

    async def scenario() -> None:
        async with kept_listener(path) as held:
            for _ in range(2):
                endpoint = await started(held, Recorder())
                await endpoint.drain(0)
                assert stat.S_ISSOCK(os.stat(path).st_mode)  # noqa: PTH116  # takes no time

    run(scenario())


def test_draining_what_never_served_is_nothing(run: Run) -> None:
    async def scenario() -> None:
        handler = Recorder()
        endpoint = Endpoint(
            Process.FRONTEND, Process.BROKER, handler, Limits(), Log(Process.BROKER)
        )
        await endpoint.drain(0)

    run(scenario())
