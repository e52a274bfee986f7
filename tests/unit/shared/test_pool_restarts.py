"""A server that ends under its callers: what is safe to repeat is repeated once."""

import asyncio
import select
import socket
from pathlib import Path

import pytest

from psi.shared.errors import PsiError, Unreachable
from psi.shared.messages.base import Reply
from psi.shared.messages.broker import Lookup, LookupReply, Ping, Pong
from psi.shared.secret import MAX_SECRET_BYTES, SecretBytes
from tests.unit.shared.loops import Run, until
from tests.unit.shared.scripted_server import Conversation, echo, ping, pool_of, scripted
from tests.unit.shared.wire import frame, listening

VALUE = LookupReply(id=1, value=SecretBytes(b"v" * MAX_SECRET_BYTES))


def _lookup(request_id: int) -> Lookup:
    return Lookup(id=request_id, secret_id="a" * 25, claimed_uid=0, claimed_pid=1)


def test_an_idempotent_call_is_repeated_once(run: Run, path: Path) -> None:
    async def scenario() -> None:
        requests = []

        async def end_at_first(conversation: Conversation) -> None:
            request = await conversation.request()
            requests.append(request)
            if conversation.number > 0:
                await conversation.say(Pong(id=request.id))
                await conversation.until_closed()

        async with scripted(path, end_at_first):
            pool = pool_of(path)
            assert await ping(pool) == Pong(id=1)
            assert requests == [Ping(id=1), Ping(id=1)]
            pool.close()

    run(scenario())


def test_a_call_is_not_repeated_twice(run: Run, path: Path) -> None:
    async def scenario() -> None:
        requests = []

        async def end(conversation: Conversation) -> None:
            requests.append(await conversation.request())

        async with scripted(path, end):
            pool = pool_of(path)
            with pytest.raises(Unreachable, match="ended the connection without an answer"):
                await ping(pool)
            assert requests == [Ping(id=1), Ping(id=1)]

    run(scenario())


def test_a_call_that_is_not_idempotent_is_not_repeated(run: Run, path: Path) -> None:
    async def scenario() -> None:
        requests = []

        async def end(conversation: Conversation) -> None:
            requests.append(await conversation.request())

        async with scripted(path, end):
            pool = pool_of(path)
            pool._routes[Ping] = pool._routes[Ping]._replace(idempotent=False)
            with pytest.raises(Unreachable, match="ended the connection without an answer"):
                await ping(pool)
            assert requests == [Ping(id=1)]

    run(scenario())


def test_an_abandoned_call_is_not_repeated(run: Run, path: Path) -> None:
    async def scenario() -> None:
        requests, gate = [], asyncio.Event()

        async def end(conversation: Conversation) -> None:
            requests.append(await conversation.request())
            await gate.wait()

        async with scripted(path, end) as server:
            pool = pool_of(path)
            call = pool.submit(Ping(id=1), requests.append)
            await until(lambda: requests)
            call.abandon()
            gate.set()
            await until(lambda: not server.open)
            await asyncio.sleep(0)
            assert (requests, server.accepted) == ([Ping(id=1)], 1)

    run(scenario())


def test_a_repeated_call_meets_no_connection_of_the_server_that_ended(run: Run, path: Path) -> None:
    """A process that ends closes its connections one after the other."""

    async def scenario() -> None:
        ending = False

        async def serve(conversation: Conversation) -> None:
            while (request := await conversation.request()) is not None:
                if ending and conversation.number < 3:
                    return
                await conversation.say(Pong(id=request.id))

        async with scripted(path, serve) as server:
            pool = pool_of(path, maximum=3)
            await asyncio.gather(*(ping(pool) for _ in range(3)))
            assert server.accepted == 3
            ending = True
            assert await ping(pool) == Pong(id=4)
            assert server.accepted == 4
            await until(lambda: server.open == 1)
            pool.close()

    run(scenario())


def test_a_call_behind_an_abandoned_one_is_not_forgotten(run: Run, path: Path) -> None:
    async def scenario() -> None:
        gate, first = asyncio.Event(), asyncio.Event()

        async def end_at_first(conversation: Conversation) -> None:
            request = await conversation.request()
            if conversation.number == 0:
                first.set()
                await gate.wait()
                return
            await conversation.say(Pong(id=request.id))
            await conversation.until_closed()

        async with scripted(path, end_at_first):
            pool = pool_of(path, maximum=1)
            results: list[Reply | PsiError] = []
            in_flight = pool.submit(Ping(id=1), results.append)
            await first.wait()
            in_queue = pool.submit(Ping(id=2), results.append)
            pool.submit(Ping(id=3), results.append)
            in_queue.abandon()
            in_flight.abandon()
            gate.set()
            await until(lambda: results)
            assert results == [Pong(id=3)]
            pool.close()

    run(scenario())


def test_a_server_that_was_restarted_while_idle_is_not_noticed(run: Run, path: Path) -> None:
    async def scenario() -> None:
        pool = pool_of(path)
        for _ in range(3):
            async with scripted(path, echo):
                assert isinstance(await ping(pool), Pong)
            path.unlink()  # noqa: ASYNC240  # takes no time
        pool.close()

    run(scenario())


def test_a_reply_that_is_cut_off_anywhere_is_asked_for_again(run: Run, path: Path) -> None:
    whole = frame(Pong(id=7))

    async def scenario() -> None:
        for cut in range(len(whole)):

            async def cut_off(conversation: Conversation, cut: int = cut) -> None:
                await conversation.request()
                await conversation.say(whole[:cut] if conversation.number == 0 else whole)
                if conversation.number > 0:
                    await conversation.until_closed()

            async with scripted(path, cut_off) as server:
                pool = pool_of(path)
                assert await pool.call(Ping(id=7), 15) == Pong(id=7)
                assert server.accepted == 2
                pool.close()
            path.unlink()  # noqa: ASYNC240  # takes no time

    run(scenario())


@pytest.mark.parametrize("cut", [1, 1000, 100_000, MAX_SECRET_BYTES])
def test_a_large_reply_that_is_cut_off_never_becomes_a_value(
    cut: int, run: Run, path: Path
) -> None:
    async def scenario() -> None:
        async def cut_off(conversation: Conversation) -> None:
            await conversation.request()
            await conversation.say(frame(VALUE)[:cut])

        async with scripted(path, cut_off) as server:
            pool = pool_of(path, maximum=1)
            with pytest.raises(Unreachable):
                await pool.call(_lookup(1), 15)
            assert server.accepted == 2

        path.unlink()  # noqa: ASYNC240  # takes no time

        async def whole(conversation: Conversation) -> None:
            while await conversation.request() is not None:
                await conversation.say(VALUE)

        async with scripted(path, whole):
            assert await pool.call(_lookup(1), 15) == VALUE
            pool.close()

    run(scenario())


def test_a_server_that_hangs_up_at_random_never_breaks_the_pool(run: Run, path: Path) -> None:
    async def scenario() -> None:
        turn = 0

        async def moody(conversation: Conversation) -> None:
            nonlocal turn
            while (request := await conversation.request()) is not None:
                turn += 1
                said = frame(Pong(id=request.id))
                await conversation.say(said[: turn % (len(said) + 1)] if turn % 3 else said)
                if turn % 3:
                    return

        async with scripted(path, moody):
            pool = pool_of(path, maximum=4)
            calls = [ping(pool) for _ in range(300)]
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(each) for each in results} <= {Pong, Unreachable}
            replies = [each for each in results if isinstance(each, Pong)]
            assert len(replies) >= 90
        path.unlink()  # noqa: ASYNC240  # takes no time
        async with scripted(path, echo):
            assert len(await asyncio.gather(*(ping(pool) for _ in range(50)))) == 50
            pool.close()

    run(scenario())


async def _close_unread(held: socket.socket, count: int) -> None:
    """Accept connections and close each with what was sent still unread."""
    loop = asyncio.get_running_loop()
    for _ in range(count):
        accepted, _ = await loop.sock_accept(held)
        with accepted:
            poller = select.poll()
            poller.register(accepted, select.POLLIN)
            await until(lambda: poller.poll(0))  # noqa: B023  # awaited here


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_request_that_was_never_read_is_sent_to_the_next_server(
    *, idempotent: bool, run: Run, path: Path
) -> None:
    """Two restarts within one call: the kernel says that neither server had read it."""

    async def scenario() -> None:
        with listening(path) as held:
            pool = pool_of(path)
            pool._routes[Ping] = pool._routes[Ping]._replace(idempotent=idempotent)
            call = asyncio.create_task(ping(pool))
            await _close_unread(held, 3)
            server = await asyncio.start_unix_server(_answer, sock=held.dup())
            assert await call == Pong(id=1)
            server.close()
            pool.close()

    run(scenario())


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await echo(Conversation(0, reader, writer))
    writer.close()


def test_a_server_that_never_reads_is_not_asked_for_ever(run: Run, path: Path) -> None:
    async def scenario() -> None:
        with listening(path) as held:
            pool = pool_of(path)
            closing = asyncio.create_task(_close_unread(held, 100))
            with pytest.raises(Unreachable, match="ended the connection without an answer"):
                await ping(pool)
            closing.cancel()

    run(scenario())
