"""The client half: kept connections, one request in flight on each, queued where all are busy."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from psi.shared.client import Pool
from psi.shared.errors import ProtocolError, PsiError, Unreachable
from psi.shared.limits import Limits
from psi.shared.messages.base import Done, Refused, Reply
from psi.shared.messages.broker import (
    BrokerStatus,
    DeleteMapping,
    Lookup,
    LookupReply,
    Ping,
    Pong,
    StoreMapping,
)
from psi.shared.processes import Process
from psi.shared.secret import MAX_SECRET_BYTES, SecretBytes
from tests.unit.shared.loops import Run, until
from tests.unit.shared.scripted_server import Conversation, echo, ping, pool_of, scripted
from tests.unit.shared.wire import Recorder, serving

pytestmark = pytest.mark.usefixtures("own_uid_accepted")

ID = "a" * 25


def test_a_call_is_answered(run: Run, path: Path) -> None:
    async def scenario() -> None:
        async with scripted(path, echo):
            pool = pool_of(path)
            assert await ping(pool) == Pong(id=1)
            pool.close()

    run(scenario())


def test_a_refusal_is_a_reply(run: Run, path: Path) -> None:
    async def refuse(conversation: Conversation) -> None:
        while (request := await conversation.request()) is not None:
            await conversation.say(Refused(id=request.id, code="full", detail="no room"))

    async def scenario() -> None:
        async with scripted(path, refuse) as server:
            pool = pool_of(path)
            for number in (1, 2):
                assert await ping(pool) == Refused(id=number, code="full", detail="no room")
            assert server.accepted == 1
            pool.close()

    run(scenario())


REQUESTS: list[tuple[Any, Reply]] = [
    (Ping(), Pong()),
    (Lookup(secret_id=ID, claimed_uid=0, claimed_pid=1), LookupReply(value=SecretBytes(b"x"))),
    (
        Lookup(secret_id=ID, claimed_uid=0, claimed_pid=1),
        LookupReply(value=SecretBytes(b"x" * MAX_SECRET_BYTES)),
    ),
    (StoreMapping(secret_id=ID, mapping=b"m" * 16_384, claimed_uid=0), Done()),
    (DeleteMapping(secret_id=ID, claimed_uid=0), Done()),
]


@pytest.mark.parametrize(("request_", "reply"), REQUESTS)
def test_a_pool_and_an_endpoint_understand_each_other(
    request_: Any, reply: Reply, run: Run, path: Path
) -> None:
    async def scenario() -> None:
        async with serving(path, lambda _request, _peer: reply):
            pool = pool_of(path)
            assert await pool.call(request_, 15) == reply
            pool.close()

    run(scenario())


def test_a_connection_is_kept_and_used_again(run: Run, path: Path) -> None:
    async def scenario() -> None:
        async with scripted(path, echo) as server:
            pool = pool_of(path)
            for number in range(1, 51):
                assert await ping(pool) == Pong(id=number)
            assert server.accepted == 1
            pool.close()
            await until(lambda: not server.open)

    run(scenario())


def test_the_warmest_connection_is_used_first(run: Run, path: Path) -> None:
    async def scenario() -> None:
        used = []

        async def note(conversation: Conversation) -> None:
            while (request := await conversation.request()) is not None:
                used.append(conversation.number)
                await conversation.say(Pong(id=request.id))

        async with scripted(path, note) as server:
            pool = pool_of(path)
            await asyncio.gather(*(ping(pool) for _ in range(3)))
            assert server.accepted == 3
            used.clear()
            for _ in range(5):
                await ping(pool)
            assert len(set(used)) == 1
            pool.close()

    run(scenario())


class Crowd:
    """A script that keeps requests until a number of them is in flight."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.most = 0
        self.gate = asyncio.Event()

    async def __call__(self, conversation: Conversation) -> None:
        while (request := await conversation.request()) is not None:
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
            await self.gate.wait()
            self.in_flight -= 1
            await conversation.say(Pong(id=request.id))


def test_calls_side_by_side_have_a_connection_each(run: Run, path: Path) -> None:
    async def scenario() -> None:
        crowd = Crowd()
        async with scripted(path, crowd) as server:
            pool = pool_of(path, maximum=8)
            calls = [asyncio.create_task(ping(pool)) for _ in range(8)]
            await until(lambda: crowd.in_flight == 8)
            crowd.gate.set()
            assert {reply.id for reply in await asyncio.gather(*calls)} == set(range(1, 9))
            assert server.accepted == 8
            pool.close()

    run(scenario())


def test_more_calls_than_connections_queue_and_all_finish(run: Run, path: Path) -> None:
    async def scenario() -> None:
        crowd = Crowd()
        async with scripted(path, crowd) as server:
            pool = pool_of(path, maximum=3)
            calls = [asyncio.create_task(ping(pool)) for _ in range(200)]
            await until(lambda: crowd.in_flight == 3)
            crowd.gate.set()
            replies = await asyncio.gather(*calls)
            assert [reply.id for reply in replies] == list(range(1, 201))
            assert (server.accepted, crowd.most) == (3, 3)
            pool.close()

    run(scenario())


def test_a_queued_call_is_answered_in_its_turn(run: Run, path: Path) -> None:
    async def scenario() -> None:
        async with scripted(path, echo):
            pool = pool_of(path, maximum=1)
            order: list[int] = []

            def note(result: Reply | PsiError) -> None:
                assert isinstance(result, Reply)
                order.append(result.id)

            for number in range(20):
                pool.submit(Ping(id=number), note)
            await until(lambda: len(order) == 20)
            assert order == list(range(20))
            pool.close()

    run(scenario())


def test_an_answer_may_make_the_next_call(run: Run, path: Path) -> None:
    async def scenario() -> None:
        async with scripted(path, echo) as server:
            pool = pool_of(path)
            results: list[Reply | PsiError] = []

            def again(result: Reply | PsiError) -> None:
                results.append(result)
                if len(results) < 10:
                    pool.submit(Ping(id=pool.next_id()), again)

            pool.submit(Ping(id=pool.next_id()), again)
            await until(lambda: len(results) == 10)
            assert results == [Pong(id=number) for number in range(1, 11)]
            assert server.accepted == 1
            pool.close()

    run(scenario())


def test_an_abandoned_call_in_the_queue_is_never_sent(run: Run, path: Path) -> None:
    async def scenario() -> None:
        crowd, answered = Crowd(), list[object]()
        async with scripted(path, crowd) as server:
            pool = pool_of(path, maximum=1)
            first = asyncio.create_task(ping(pool))
            await until(lambda: crowd.in_flight == 1)
            pool.submit(Ping(id=77), answered.append).abandon()
            crowd.gate.set()
            assert (await first).id == 1
            assert (await ping(pool)).id == 2
            assert answered == []
            assert server.accepted == 1
            pool.close()

    run(scenario())


def test_a_request_without_a_row_is_never_sent(run: Run, path: Path) -> None:
    async def scenario() -> None:
        async with serving(path, Recorder()) as endpoint:
            pool = pool_of(path)
            with pytest.raises(ProtocolError, match="BrokerStatus may not be sent to broker"):
                await pool.call(BrokerStatus(), 15)
            assert endpoint.connections == set()
            pool.close()

    run(scenario())


def test_request_ids_differ_and_begin_anew_at_32_bits(run: Run, path: Path) -> None:
    async def scenario() -> None:
        pool = pool_of(path)
        assert [pool.next_id() for _ in range(3)] == [1, 2, 3]
        pool._last_id = 2**32 - 2
        assert [pool.next_id() for _ in range(3)] == [2**32 - 1, 0, 1]

    run(scenario())


def test_a_closed_pool_has_closed_its_connections(run: Run, path: Path) -> None:
    async def scenario() -> None:
        async with scripted(path, echo) as server:
            pool = pool_of(path)
            await asyncio.gather(*(ping(pool) for _ in range(3)))
            pool.close()
            await until(lambda: not server.open)
            assert server.accepted == 3

    run(scenario())


def test_nobody_listening_is_unreachable(run: Run, path: Path) -> None:
    async def scenario() -> None:
        pool = pool_of(path)
        with pytest.raises(Unreachable, match="the broker is not reachable: No such file"):
            await ping(pool)

    run(scenario())


def test_a_socket_that_nobody_accepts_on_is_unreachable(run: Run, path: Path) -> None:
    async def scenario() -> None:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(path))
            pool = pool_of(path)
            with pytest.raises(Unreachable, match="not reachable: Connection refused"):
                await ping(pool)

    run(scenario())


def test_all_queued_calls_learn_that_nobody_listens(run: Run, path: Path) -> None:
    async def scenario() -> None:
        pool = pool_of(path, maximum=2)
        calls = [ping(pool) for _ in range(10)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(each) for each in results] == [Unreachable] * 10
        async with scripted(path, echo):
            assert isinstance(await ping(pool), Pong)
            pool.close()

    run(scenario())


def test_a_pool_needs_no_server_to_be_made(run: Run, path: Path) -> None:
    async def scenario() -> None:
        pool = Pool(str(path), Process.FRONTEND, Process.BROKER, 1, Limits(), pool_of(path).log)
        async with scripted(path, echo):
            assert isinstance(await ping(pool), Pong)
            pool.close()

    run(scenario())
