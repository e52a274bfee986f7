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
from psi.shared.server import Endpoint
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
