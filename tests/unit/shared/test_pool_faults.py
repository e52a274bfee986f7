"""The client half and a server that is late, wrong, hostile, gone or being replaced."""

import asyncio
import logging
import socket
from pathlib import Path

import pytest
import uvloop

from psi.shared.client import Pool
from psi.shared.errors import PsiError, Unreachable
from psi.shared.framing import PROTOCOL, WRONG_PROTOCOL, pack
from psi.shared.limits import REPLY_FRAME_BYTES
from psi.shared.messages.base import Done, Message, Reply
from psi.shared.messages.broker import Lookup, LookupReply, Ping, Pong
from psi.shared.secret import MAX_SECRET_BYTES, SecretBytes
from tests.unit.shared.loops import SCENARIO_SECONDS, Run, until
from tests.unit.shared.scripted_server import Conversation, ping, pool_of, scripted
from tests.unit.shared.wire import encode, frame, listening

VALUE = LookupReply(id=1, value=SecretBytes(b"v" * MAX_SECRET_BYTES))


async def echo(conversation: Conversation) -> None:
    while (request := await conversation.request()) is not None:
        await conversation.say(Pong(id=request.id))


# ---- late replies (r16) --------------------------------------------------------------------


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


def _lookup(request_id: int) -> Lookup:
    return Lookup(id=request_id, secret_id="a" * 25, claimed_uid=0, claimed_pid=1)


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


# ---- wrong replies -------------------------------------------------------------------------

WRONG: dict[str, Message | bytes] = {
    "another id": Pong(id=8),
    "another type": Done(id=7),
    "a value nobody asked for": LookupReply(id=7, value=SecretBytes(b"x")),
    "a request": Ping(id=7),
    "no MessagePack": pack(b"\xc1"),
    "no UTF-8": frame(Pong(id=7)).replace(b"Pong", b"\xff\xff\xff\xff"),
    "endless nesting": pack(b"\x81\xa1a" + b"\x91" * 20_000 + b"\x01"),
    "an empty frame": bytes([PROTOCOL, 0, 0, 0, 0]),
    "a frame above the cap": bytes([PROTOCOL]) + (REPLY_FRAME_BYTES + 1).to_bytes(4),
    "another protocol": b"\x02\x00\x00\x00\x01x",
    "HTTP": b"HTTP/1.1 200 OK\r\n\r\n",
    "the fixed byte and more": WRONG_PROTOCOL + b"x",
    "a field too many": pack(encode(Pong(id=7)).replace(b"\x82", b"\x83", 1) + b"\xa1x\x01"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_reply_is_an_error_and_ends_its_connection(
    what: str, run: Run, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        answer = WRONG[what]
        said = answer if isinstance(answer, bytes) else frame(answer)

        async def wrong_at_first(conversation: Conversation) -> None:
            request = await conversation.request()
            await conversation.say(Pong(id=request.id) if conversation.number else said)
            await conversation.until_closed()

        async with scripted(path, wrong_at_first) as server:
            pool = pool_of(path, maximum=1)
            with pytest.raises(Unreachable, match="the broker broke the protocol; see the log"):
                await pool.call(Ping(id=7), 15)
            await until(lambda: not server.open)
            assert await pool.call(Ping(id=9), 15) == Pong(id=9)
            assert server.accepted == 2
            pool.close()

    run(scenario())
    (record,) = [each for each in caplog.records if each.getMessage() == "server.closed"]
    assert record.levelno == logging.WARNING


def test_a_reply_that_nobody_asked_for_ends_its_connection(run: Run, path: Path) -> None:
    async def scenario() -> None:
        async def talkative(conversation: Conversation) -> None:
            request = await conversation.request()
            await conversation.say(Pong(id=request.id))
            if conversation.number == 0:
                await conversation.say(Pong(id=request.id + 1))
            await conversation.until_closed()

        async with scripted(path, talkative) as server:
            pool = pool_of(path)
            assert await ping(pool) == Pong(id=1)
            await until(lambda: not server.open)
            assert await ping(pool) == Pong(id=2)
            assert server.accepted == 2
            pool.close()

    run(scenario())


def test_two_replies_in_one_write_answer_one_call(run: Run, path: Path) -> None:
    async def scenario() -> None:
        async def twice(conversation: Conversation) -> None:
            request = await conversation.request()
            await conversation.say(frame(Pong(id=request.id)) * 2)
            await conversation.until_closed()

        async with scripted(path, twice) as server:
            pool = pool_of(path, maximum=1)
            results: list[Reply | PsiError] = []
            for number in (1, 2):
                pool.submit(Ping(id=number), results.append)
            await until(lambda: len(results) == 2)
            assert results[0] == Pong(id=1)
            assert isinstance(results[1], Unreachable)
            await until(lambda: not server.open)

    run(scenario())


# ---- the server ends -----------------------------------------------------------------------


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


# ---- the server is being replaced (r26) ----------------------------------------------------


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


# ---- a full backlog ------------------------------------------------------------------------


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
