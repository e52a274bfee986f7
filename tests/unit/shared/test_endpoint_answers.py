"""A listening socket: who asks properly is answered, whatever the handler does."""

import asyncio
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from psi.shared.errors import Refusal
from psi.shared.limits import Limits
from psi.shared.messages.base import Done, Refused, Reply, Request
from psi.shared.messages.broker import LookupReply, Ping, Pong
from psi.shared.peer import Peer
from psi.shared.processes import Process
from psi.shared.secret import MAX_SECRET_BYTES, SecretBytes
from tests.unit.shared.loops import Run, until
from tests.unit.shared.wire import Recorder, Wire, frame, serving

pytestmark = pytest.mark.usefixtures("own_uid_accepted")

VALUE = SecretBytes(b"v" * MAX_SECRET_BYTES)


def at_once(reply: Reply) -> Any:
    return lambda _request, _peer: reply


def later(make: Any) -> Any:
    """Return a handler whose coroutine waits a turn, then makes its reply."""

    async def answer() -> Reply:
        await asyncio.sleep(0)
        reply: Reply = make()
        return reply

    return lambda _request, _peer: answer()


def fail(error: Exception) -> Any:
    def raise_it(*_: object) -> Reply:
        raise error

    return raise_it


def ask(path: Path, handler: Any, request: Request | None = None) -> Coroutine[Any, Any, Any]:
    async def scenario() -> Any:
        async with serving(path, handler):
            wire = await Wire.connect(path)
            reply = await wire.ask(request or Ping(id=9))
            assert await wire.ask(Ping(id=10)) is not None  # the connection is kept
            wire.close()
            return reply

    return scenario()


def test_a_reply_at_once(run: Run, path: Path) -> None:
    assert run(ask(path, at_once(Pong()))) == Pong(id=9)


def test_a_reply_from_a_coroutine(run: Run, path: Path) -> None:
    assert run(ask(path, later(Pong))) == Pong(id=9)


def test_the_largest_value(run: Run, path: Path) -> None:
    assert run(ask(path, at_once(LookupReply(value=VALUE)))) == LookupReply(id=9, value=VALUE)


@pytest.mark.parametrize("request_id", [0, 1, 2**32 - 1])
def test_the_reply_repeats_the_requests_id(request_id: int, run: Run, path: Path) -> None:
    wrong = at_once(Pong(id=77))
    assert run(ask(path, wrong, Ping(id=request_id))) == Pong(id=request_id)


REFUSED = Refused(id=9, code="forbidden", detail="not in allow")


def test_a_refusal_is_a_typed_reply(run: Run, path: Path) -> None:
    handler = later(fail(Refusal("forbidden", "not in allow")))
    assert run(ask(path, handler)) == REFUSED


def test_a_refusal_without_a_coroutine_is_a_typed_reply(run: Run, path: Path) -> None:
    assert run(ask(path, fail(Refusal("forbidden", "not in allow")))) == REFUSED


FAULTS = {
    "in a coroutine": later(fail(KeyError("hunter2"))),
    "at once": fail(KeyError("hunter2")),
    "a reply that cannot be encoded": at_once(Refused(code="internal", detail="\ud800")),
    "a reply with a number too large": later(lambda: Big(number=2**70)),
}


class Big(Reply, frozen=True):
    """A reply that MessagePack cannot hold."""

    number: int


@pytest.mark.parametrize("how", FAULTS)
def test_a_fault_is_refused_as_internal_and_told_to_the_log_alone(
    how: str, run: Run, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reply = run(ask(path, FAULTS[how]))
    assert reply == Refused(
        id=9, code="internal", detail="a fault of the broker; its log has the cause"
    )
    (first, *_) = [each for each in caplog.records if each.getMessage() == "request.failed"]
    assert first.levelno == logging.ERROR
    assert "hunter2" not in str(first.__dict__)


def test_the_handler_gets_the_request_and_the_kernels_word(run: Run, path: Path) -> None:
    async def scenario() -> None:
        recorder = Recorder()
        async with serving(path, recorder):
            wire = await Wire.connect(path)
            await wire.ask(Ping(id=3))
            wire.close()
        assert recorder.requests == [Ping(id=3)]
        (peer,) = recorder.peers
        assert isinstance(peer, Peer)

    run(scenario())


def test_a_frame_in_many_pieces_is_one_request(run: Run, path: Path) -> None:
    async def scenario() -> None:
        recorder = Recorder()
        async with serving(path, recorder):
            wire = await Wire.connect(path)
            for byte in frame(Ping(id=3)):
                await wire.send(bytes([byte]))
                await asyncio.sleep(0)
            assert await wire.reply() == Done(id=3)
            wire.close()
        assert recorder.requests == [Ping(id=3)]

    run(scenario())


def test_many_connections_are_served_side_by_side(run: Run, path: Path) -> None:
    async def scenario() -> None:
        gate = asyncio.Event()
        waiting = 0

        async def answer() -> Reply:
            nonlocal waiting
            waiting += 1
            await gate.wait()
            return Pong()

        async with serving(path, lambda _request, _peer: answer()):
            wires = [await Wire.connect(path) for _ in range(100)]
            replies = [asyncio.create_task(w.ask(Ping(id=i))) for i, w in enumerate(wires)]
            await until(lambda: waiting == 100)
            gate.set()
            assert await asyncio.gather(*replies) == [Pong(id=i) for i in range(100)]
            for wire in wires:
                wire.close()

    run(scenario())


def test_a_large_value_again_and_again_on_one_connection(run: Run, path: Path) -> None:
    """No request that follows its reply is taken for one that came too early."""

    async def scenario() -> None:
        async with serving(path, at_once(LookupReply(value=VALUE))) as endpoint:
            wire = await Wire.connect(path)
            for number in range(100):
                assert (await wire.ask(Ping(id=number))).id == number
            wire.close()
            assert endpoint.protocol_errors == 0

    run(scenario())


def test_a_caller_that_hangs_up_costs_the_others_nothing(run: Run, path: Path) -> None:
    """Before, within and after its request, and while its reply is being written."""

    async def scenario() -> None:
        sent = frame(Ping(id=1))
        async with serving(path, at_once(LookupReply(value=VALUE))) as endpoint:
            for cut in range(len(sent) + 1):
                wire = await Wire.connect(path)
                await wire.send(sent[:cut])
                wire.close()
            for taken in (1, 1000, 100_000, 500_000):
                wire = await Wire.connect(path)
                await wire.send(sent)
                await wire.reader.readexactly(taken)
                wire.close()
            wire = await Wire.connect(path)
            assert await wire.ask(Ping(id=2)) == LookupReply(id=2, value=VALUE)
            wire.close()
            await until(lambda: not endpoint.connections)

    run(scenario())


def test_a_caller_that_hangs_up_does_not_end_its_request(run: Run, path: Path) -> None:
    """Others may wait for the same fetch."""

    async def scenario() -> None:
        gate, ended = asyncio.Event(), asyncio.Event()
        begun = 0

        async def answer() -> Reply:
            nonlocal begun
            begun += 1
            await gate.wait()
            ended.set()
            return Pong()

        async with serving(path, lambda _request, _peer: answer()) as endpoint:
            wire = await Wire.connect(path)
            await wire.send(frame(Ping(id=1)))
            await until(lambda: begun)
            wire.close()
            await until(lambda: not endpoint.connections)
            gate.set()
            await ended.wait()

    run(scenario())


@pytest.mark.parametrize("caller", [Process.FRONTEND, Process.PKI, Process.CTL])
def test_as_many_connections_as_the_limit_says_are_served(
    caller: Process, run: Run, path: Path
) -> None:
    async def scenario() -> None:
        limits = Limits(broker_connections=3, pki_connections=3, control_connections=3)
        async with serving(path, Recorder(), caller, limits) as endpoint:
            wires = [await Wire.connect(path, caller) for _ in range(3)]
            await until(lambda: len(endpoint.connections) == 3)
            assert endpoint.protocol_errors == 0
            for wire in wires:
                wire.close()

    run(scenario())
