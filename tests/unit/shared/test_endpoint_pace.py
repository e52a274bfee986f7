"""A listening socket and a peer that is too slow or too quick."""

import asyncio
from pathlib import Path

import pytest

from psi.shared.framing import HEADER_BYTES, PROTOCOL
from psi.shared.limits import REQUEST_FRAME_BYTES, Limits
from psi.shared.messages.base import Done, Reply
from psi.shared.messages.broker import Lookup, LookupReply, Ping
from psi.shared.secret import MAX_SECRET_BYTES, SecretBytes
from tests.unit.shared.loops import Run, until
from tests.unit.shared.wire import Recorder, Wire, closes, frame, serving

pytestmark = pytest.mark.usefixtures("own_uid_accepted")

ID = "a" * 25
LOOKUP = Lookup(id=1, secret_id=ID, claimed_uid=0, claimed_pid=1)


def header(length: int, protocol: int = PROTOCOL) -> bytes:
    return bytes([protocol]) + length.to_bytes(4)


def test_a_second_request_in_flight_closes(run: Run, path: Path) -> None:
    async def scenario() -> None:
        gate, begun = asyncio.Event(), []

        async def answer() -> Reply:
            begun.append(1)
            await gate.wait()
            return Done()

        async with serving(path, lambda _request, _peer: answer()) as endpoint:
            wire = await Wire.connect(path)
            await wire.send(frame(Ping(id=1)))
            await until(lambda: begun)
            await wire.send(frame(Ping(id=2)))
            assert await wire.rest() == b""
            assert (len(begun), endpoint.protocol_errors) == (1, 1)
            gate.set()

    run(scenario())


def test_a_second_request_in_the_same_write_closes(run: Run, path: Path) -> None:
    async def scenario() -> None:
        begun = []

        async def answer() -> Reply:
            begun.append(1)
            await asyncio.Event().wait()
            return Done()

        async with serving(path, lambda _request, _peer: answer()) as endpoint:
            wire = await Wire.connect(path)
            await wire.send(frame(Ping(id=1)) + frame(Ping(id=2)))
            assert await wire.rest() == b""
            assert endpoint.protocol_errors == 1

    run(scenario())


def test_requests_without_reading_the_replies_close(run: Run, path: Path) -> None:
    """Else one peer would fill the server's memory with values."""

    async def scenario() -> None:
        handled = 0
        value = SecretBytes(b"v" * MAX_SECRET_BYTES)

        def answer(*_: object) -> Reply:
            nonlocal handled
            handled += 1
            return LookupReply(value=value)

        async with serving(path, answer) as endpoint:
            wire = await Wire.connect(path)
            wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a read transport too
            await wire.send(frame(Ping(id=1)) * 1000)
            await until(lambda: endpoint.protocol_errors)
            assert handled < 4
            wire.close()

    run(scenario())


LIMITS = Limits(frame_seconds=0.05)


@pytest.mark.parametrize("sent", [1, HEADER_BYTES, HEADER_BYTES + 1, len(frame(LOOKUP)) - 1])
def test_a_frame_that_is_not_finished_in_time_closes(sent: int, run: Run, path: Path) -> None:
    run(closes(path, frame(LOOKUP)[:sent], limits=LIMITS))


def test_a_drip_is_closed_after_the_same_time(run: Run, path: Path) -> None:
    """The time runs from a frame's first byte, whatever comes in between."""

    async def scenario() -> None:
        recorder = Recorder()
        sent = 0
        async with serving(path, recorder, limits=LIMITS) as endpoint:
            wire = await Wire.connect(path)
            for byte in header(REQUEST_FRAME_BYTES) + b"\x80" * REQUEST_FRAME_BYTES:
                await wire.send(bytes([byte]))
                sent += 1
                await asyncio.sleep(0.002)
                if endpoint.protocol_errors:
                    break
            assert await wire.rest() == b""
            assert sent < REQUEST_FRAME_BYTES
            assert recorder.requests == []

    run(scenario())


def test_the_time_for_a_frame_begins_with_each_frame(run: Run, path: Path) -> None:
    """Frames that each come with the first byte of the next, and then none."""

    async def scenario() -> None:
        async with serving(path, Recorder()) as endpoint:
            wire = await Wire.connect(path)
            data = frame(Ping(id=1))
            await wire.send(data[:1])
            await until(lambda: endpoint.connections)
            (connection,) = endpoint.connections
            await until(lambda: connection._timer)
            for _ in range(3):
                before = connection._timer
                assert before is not None
                await wire.send(data[1:] + data[:1])
                assert await wire.reply() == Done(id=1)
                await until(lambda: connection._timer is not None)
                assert before.cancelled()
                assert connection._timer is not before
            await wire.send(data[1:])
            assert await wire.reply() == Done(id=1)
            assert connection._timer is None
            wire.close()

    run(scenario())


def test_an_idle_connection_has_no_deadline(run: Run, path: Path) -> None:
    async def scenario() -> None:
        async with serving(path, Recorder()) as endpoint:
            wire = await Wire.connect(path)
            for number in range(2):
                assert await wire.ask(Ping(id=number)) == Done(id=number)
                assert [each._timer for each in endpoint.connections] == [None]
            wire.close()

    run(scenario())
