"""A server of another protocol number is being replaced: calls are held (r26)."""

import asyncio
from pathlib import Path

import pytest

from psi.shared.errors import Unreachable
from psi.shared.framing import WRONG_PROTOCOL
from psi.shared.messages.broker import Pong
from tests.unit.shared.loops import Run, until
from tests.unit.shared.scripted_server import Conversation, ping, pool_of, scripted


@pytest.mark.parametrize("refusals", [1, 3])
def test_a_call_is_held_until_the_new_server_appears(refusals: int, run: Run, path: Path) -> None:
    async def scenario() -> None:
        async def new_at_last(conversation: Conversation) -> None:
            request = await conversation.request()
            if conversation.number < refusals:
                return await conversation.say(WRONG_PROTOCOL)
            await conversation.say(Pong(id=request.id))
            return await conversation.until_closed()

        async with scripted(path, new_at_last) as server:
            pool = pool_of(path)
            assert await ping(pool) == Pong(id=1)
            assert server.accepted == refusals + 1
            pool.close()

    run(scenario())


def test_many_calls_are_held_until_the_new_server_appears(run: Run, path: Path) -> None:
    async def scenario() -> None:
        new = False

        async def old_then_new(conversation: Conversation) -> None:
            while (request := await conversation.request()) is not None:
                if not new:
                    return await conversation.say(WRONG_PROTOCOL)
                await conversation.say(Pong(id=request.id))
            return None

        async with scripted(path, old_then_new) as server:
            pool = pool_of(path, maximum=3)
            calls = [asyncio.create_task(ping(pool)) for _ in range(20)]
            await until(lambda: server.accepted > 20)
            new = True
            assert [(await call).id for call in calls] == list(range(1, 21))
            pool.close()

    run(scenario())


def test_a_call_is_held_no_longer_than_its_deadline(run: Run, path: Path) -> None:
    async def scenario() -> None:
        async def old(conversation: Conversation) -> None:
            await conversation.request()
            await conversation.say(WRONG_PROTOCOL)

        async with scripted(path, old) as server:
            pool = pool_of(path)
            with pytest.raises(Unreachable, match="did not answer"):
                await ping(pool, 0.1)
            accepted = server.accepted
            assert accepted > 1
            for _ in range(20):
                await asyncio.sleep(pool.limits.connect_retry_seconds)
            # One may have been on its way.
            assert server.accepted <= accepted + 1
            pool.close()

    run(scenario())
