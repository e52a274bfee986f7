"""A full backlog is waited for, as a blocking connect would."""

import asyncio
import socket
from pathlib import Path

import pytest
import uvloop

from psi.shared.client import Pool
from psi.shared.errors import Unreachable
from psi.shared.messages.base import Reply
from tests.unit.shared.loops import SCENARIO_SECONDS
from tests.unit.shared.scripted_server import Conversation, echo, ping, pool_of
from tests.unit.shared.wire import listening


def _fill(path: Path) -> list[socket.socket]:
    """Connect until the kernel has no room for one more."""
    waiting: list[socket.socket] = []
    while True:
        one = socket.socket(socket.AF_UNIX)
        one.setblocking(False)
        try:
            one.connect(str(path))
        except BlockingIOError:
            one.close()
            return waiting
        waiting.append(one)


def test_a_full_backlog_is_waited_for(path: Path) -> None:
    """Only on the loop that services use: asyncio's own takes EAGAIN for a connection under way."""

    async def scenario() -> None:
        with listening(path, backlog=2) as held:
            waiting = _fill(path)
            pool = pool_of(path)
            calls = [asyncio.create_task(ping(pool)) for _ in range(10)]
            for _ in range(20):
                await asyncio.sleep(0.001)
            assert not any(call.done() for call in calls)
            for one in waiting:
                one.close()
            await _serve(held, calls)
            pool.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(scenario(), SCENARIO_SECONDS))


async def _serve(held: socket.socket, calls: "list[asyncio.Task[Reply]]") -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await echo(Conversation(0, reader, writer))
        writer.close()

    server = await asyncio.start_unix_server(answer, sock=held.dup())
    assert {reply.id for reply in await asyncio.gather(*calls)} == set(range(1, 11))
    server.close()


def test_a_full_backlog_ends_a_call_at_its_deadline(path: Path) -> None:
    async def scenario() -> None:
        with listening(path, backlog=2):
            waiting = _fill(path)
            pool: Pool = pool_of(path)
            with pytest.raises(Unreachable, match="did not answer"):
                await ping(pool, 0.05)
            pool.close()
            for one in waiting:
                one.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(scenario(), SCENARIO_SECONDS))
