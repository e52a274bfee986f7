"""A reply that comes too late answers nobody (r16)."""

import asyncio
from pathlib import Path

import pytest

from psi.shared.errors import Unreachable
from psi.shared.messages.broker import Lookup, LookupReply, Pong
from psi.shared.secret import SecretBytes
from tests.unit.shared.loops import Run
from tests.unit.shared.scripted_server import Conversation, ping, pool_of, scripted


def _lookup(request_id: int) -> Lookup:
    return Lookup(id=request_id, secret_id="a" * 25, claimed_uid=0, claimed_pid=1)


def test_a_call_ends_at_its_deadline(run: Run, path: Path) -> None:
    async def scenario() -> None:
        async with scripted(path, Conversation.until_closed):
            pool = pool_of(path)
            with pytest.raises(Unreachable, match=r"the broker did not answer in 0\.05 s"):
                await ping(pool, 0.05)

    run(scenario())


def test_a_connection_whose_call_timed_out_is_closed_and_not_used_again(
    run: Run, path: Path
) -> None:
    """Its late reply does not answer the next caller, although it may have any id."""

    async def scenario() -> None:
        gate, first_closed = asyncio.Event(), asyncio.Event()

        async def late_at_first(conversation: Conversation) -> None:
            request = await conversation.request()
            if conversation.number > 0:
                await conversation.say(Pong(id=request.id))
                return await conversation.until_closed()
            await conversation.until_closed()
            first_closed.set()
            await gate.wait()
            for number in range(5):
                await conversation.say(Pong(id=number))
            return None

        async with scripted(path, late_at_first) as server:
            pool = pool_of(path, maximum=1)
            with pytest.raises(Unreachable):
                await ping(pool, 0.05)
            await first_closed.wait()
            gate.set()
            assert await ping(pool) == Pong(id=2)
            assert server.accepted == 2
            pool.close()

    run(scenario())


def test_a_late_value_never_answers_the_next_lookup(run: Run, path: Path) -> None:
    """The server has both requests before it answers the first, and answers it at once then."""

    async def scenario() -> None:
        both = asyncio.Event()

        async def late(conversation: Conversation) -> None:
            request = await conversation.request()
            if conversation.number == 0:
                await both.wait()
                await conversation.say(LookupReply(id=2, value=SecretBytes(b"of the first")))
            else:
                both.set()
                await conversation.say(LookupReply(id=2, value=SecretBytes(b"of the second")))
            assert request.secret_id == "a" * 25
            await conversation.until_closed()

        async with scripted(path, late):
            pool = pool_of(path)
            with pytest.raises(Unreachable):
                await pool.call(_lookup(1), 0.05)
            reply = await pool.call(_lookup(2), 15)
            assert reply == LookupReply(id=2, value=SecretBytes(b"of the second"))
            pool.close()

    run(scenario())


def test_a_call_that_is_cancelled_closes_its_connection(run: Run, path: Path) -> None:
    async def scenario() -> None:
        begun, closed = asyncio.Event(), asyncio.Event()

        async def silent(conversation: Conversation) -> None:
            await conversation.request()
            begun.set()
            await conversation.until_closed()
            closed.set()

        async with scripted(path, silent):
            pool = pool_of(path)
            call = asyncio.create_task(ping(pool))
            await begun.wait()
            call.cancel()
            await closed.wait()
            with pytest.raises(asyncio.CancelledError):
                await call

    run(scenario())
