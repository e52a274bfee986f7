"""A listening socket: each way to be closed, without a word and with one line in the log."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest

from psi.shared.framing import HEADER_BYTES, PROTOCOL, WRONG_PROTOCOL, pack
from psi.shared.limits import REQUEST_FRAME_BYTES, Limits
from psi.shared.messages.base import Done, Reply
from psi.shared.messages.broker import Lookup, LookupReply, Ping, StoreMapping
from psi.shared.peer import DEVELOPMENT_UID
from psi.shared.processes import Process
from psi.shared.routes import request_cap
from psi.shared.secret import MAX_SECRET_BYTES, SecretBytes
from tests.unit.shared.loops import Run, until
from tests.unit.shared.wire import Recorder, Wire, encode, frame, serving

pytestmark = pytest.mark.usefixtures("own_uid_accepted")

ID = "a" * 25
LOOKUP = Lookup(id=1, secret_id=ID, claimed_uid=0, claimed_pid=1)


def header(length: int, protocol: int = PROTOCOL) -> bytes:
    return bytes([protocol]) + length.to_bytes(4)


def changed(**changes: object) -> bytes:
    """Return a Lookup's body with other content."""
    return msgspec.msgpack.encode({**msgspec.msgpack.decode(encode(LOOKUP)), **changes})


def without(field: str) -> bytes:
    tree = msgspec.msgpack.decode(encode(LOOKUP))
    del tree[field]
    return msgspec.msgpack.encode(tree)


_LAST_BYTE = changed(secret_id="b" * 25)
BAD_BODIES = {
    "empty map": b"\x80",
    "nil": b"\xc0",
    "number": b"\x01",
    "list": msgspec.msgpack.encode(["Lookup", 1]),
    "text": msgspec.msgpack.encode("GET / HTTP/1.1"),
    "byte that MessagePack never uses": b"\xc1",
    "extension": b"\xc7\x01\x05a",
    "truncated": encode(LOOKUP)[:-1],
    "more behind it": encode(LOOKUP) + b"\x00",
    "unknown type": changed(type="Frobnicate"),
    "type of a base class": changed(type="Request"),
    "no type": without("type"),
    "type that is no text": changed(type=1),
    "type that is no UTF-8": changed().replace(b"\xa6Lookup", b"\xa6\xff\xff\xff\xff\xff\xff"),
    "unknown field": changed(more=1),
    "missing field": without("secret_id"),
    "id with a newline": changed(secret_id=ID[1:] + "\n"),
    "id and a newline": changed(secret_id=ID + "\n"),
    "id too short": changed(secret_id=ID[1:]),
    "id in capitals": changed(secret_id="A" * 25),
    "id that is no UTF-8": changed().replace(ID.encode(), b"\xff" * 25),
    "id that is bytes": changed(secret_id=ID.encode()),
    "number below its bound": changed(claimed_uid=-1),
    "number above its bound": changed(claimed_uid=2**32),
    "number of 64 bits": changed(id=2**64 - 1),
    "number with a fraction": changed(claimed_uid=0.5),
    "endless nesting": b"\x81\xa1a" + b"\x91" * 20_000 + b"\x01",
    "list of four billion": b"\x81\xa1a\xdd\xff\xff\xff\xff",
    "map of four billion": b"\xdf\xff\xff\xff\xff",
    "text of four billion": b"\x81\xa1a\xdb\xff\xff\xff\xff",
}


def closes(
    path: Path,
    say: bytes,
    answer: bytes = b"",
    caller: Process = Process.FRONTEND,
    limits: Limits | None = None,
) -> Coroutine[Any, Any, None]:
    """Say something, and expect the end without any request having been handled."""

    async def scenario() -> None:
        recorder = Recorder()
        async with serving(path, recorder, caller, limits) as endpoint:
            wire = await Wire.connect(path, caller)
            await wire.send(say)
            assert await wire.rest() == answer
            assert recorder.requests == []
            assert endpoint.protocol_errors == 1
            await until(lambda: not endpoint.connections)

    return scenario()


@pytest.mark.parametrize("what", BAD_BODIES)
def test_a_body_that_does_not_decode_closes(what: str, run: Run, path: Path) -> None:
    run(closes(path, pack(BAD_BODIES[what])))


def test_a_good_body_is_answered(run: Run, path: Path) -> None:
    async def scenario() -> None:
        recorder = Recorder()
        async with serving(path, recorder) as endpoint:
            wire = await Wire.connect(path)
            await wire.send(pack(changed()))
            assert await wire.reply() == Done(id=1)
            assert recorder.requests == [LOOKUP]
            assert endpoint.protocol_errors == 0
            wire.close()

    run(scenario())


def test_a_peer_is_logged_once(run: Run, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run(closes(path, pack(b"\xc1") * 20))
    (record,) = [each for each in caplog.records if each.getMessage() == "peer.closed"]
    fields = record.__dict__["fields"]
    assert fields["uid"] == os.getuid()
    assert fields["caller"] == "frontend"
    assert fields["cause"].startswith("undecodable: ")


@pytest.mark.parametrize("caller", [Process.FRONTEND, Process.CTL])
def test_a_frame_above_the_cap_closes_before_its_body_is_sent(
    caller: Process, run: Run, path: Path
) -> None:
    run(closes(path, header(request_cap(caller) + 1), caller=caller))


def test_a_request_of_a_whole_frame_is_taken(run: Run, path: Path) -> None:
    async def scenario() -> None:
        async with serving(path, Recorder()):
            wire = await Wire.connect(path)
            request = StoreMapping(id=2, secret_id=ID, mapping=b"x" * 16_384, claimed_uid=0)
            assert await wire.ask(request) == Done(id=2)
            wire.close()

    run(scenario())


def test_a_control_socket_takes_larger_frames_than_the_frontends(run: Run, path: Path) -> None:
    """What is too large for one is only undecodable for the other."""
    say = header(REQUEST_FRAME_BYTES + 1) + b"\xc1" * (REQUEST_FRAME_BYTES + 1)
    run(closes(path, say, caller=Process.CTL))


def test_an_empty_frame_closes(run: Run, path: Path) -> None:
    run(closes(path, header(0)))


@pytest.mark.parametrize("protocol", [0, 2, 255])
def test_another_protocol_number_gets_the_one_fixed_byte(
    protocol: int, run: Run, path: Path
) -> None:
    run(closes(path, header(3, protocol) + b"abc", WRONG_PROTOCOL))


@pytest.mark.parametrize("say", [b"G", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02", b"\x15"])
def test_garbage_gets_the_one_fixed_byte(say: bytes, run: Run, path: Path) -> None:
    run(closes(path, say, WRONG_PROTOCOL))


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


def test_one_connection_more_than_the_limit_closes(run: Run, path: Path) -> None:
    async def scenario() -> None:
        recorder = Recorder()
        async with serving(path, recorder, limits=Limits(broker_connections=2)) as endpoint:
            kept = [await Wire.connect(path) for _ in range(2)]
            await until(lambda: len(endpoint.connections) == 2)
            more = await Wire.connect(path)
            await more.send(frame(Ping(id=1)))
            assert await more.rest() == b""
            assert recorder.requests == []
            assert await kept[0].ask(Ping(id=2)) == Done(id=2)
            kept.pop().close()
            await until(lambda: len(endpoint.connections) == 1)
            assert await (await Wire.connect(path)).ask(Ping(id=3)) == Done(id=3)

    run(scenario())


_STRANGER = """
import os, socket, sys
uid = int(sys.argv[3])
os.setresuid(uid, uid, uid)
stranger = socket.socket(socket.AF_UNIX)
stranger.settimeout(20)
stranger.connect(sys.argv[1])
try:
    stranger.sendall(bytes.fromhex(sys.argv[2]))
    received = stranger.recv(100)
except ConnectionError:
    received = b""
print(received.hex())
"""


def _child(path: Path, uid: int) -> str:
    """Return what a process of another user receives for a good request."""
    arguments = (str(path), frame(Ping(id=1)).hex(), str(uid))
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _STRANGER, *arguments],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return done.stdout.strip()


def _stranger_and_accepted() -> tuple[int, int]:
    """Return the uid of a stranger, and of whom the server accepts.

    Without root nobody can be another user: then the server expects somebody else.
    """
    own = os.geteuid()
    return (65_534, own) if own == 0 else (own, own + 1)


def _open_to_all(path: Path) -> None:
    """Let everybody connect: here it is the kernel's credentials that must decide."""
    path.parent.chmod(0o711)
    path.chmod(0o666)


def _visited(
    path: Path, visitor: int, check: Callable[[str, Recorder, int], None]
) -> Coroutine[Any, Any, None]:
    async def scenario() -> None:
        recorder = Recorder()
        async with serving(path, recorder) as endpoint:
            _open_to_all(path)
            received = await asyncio.to_thread(_child, path, visitor)
            check(received, recorder, endpoint.protocol_errors)

    return scenario()


def test_another_uid_is_refused(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger, accepted = _stranger_and_accepted()
    monkeypatch.setenv(DEVELOPMENT_UID, str(accepted))

    def check(received: str, recorder: Recorder, errors: int) -> None:
        assert (received, recorder.requests, errors) == ("", [], 1)

    run(_visited(path, stranger, check))


def test_the_accepted_uid_is_served(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger, _ = _stranger_and_accepted()
    monkeypatch.setenv(DEVELOPMENT_UID, str(stranger))

    def check(received: str, recorder: Recorder, errors: int) -> None:
        assert received == frame(Done(id=1)).hex()
        assert (recorder.requests, errors) == ([Ping(id=1)], 0)
        assert recorder.peers[0].uid == stranger

    run(_visited(path, stranger, check))


def test_a_stranger_that_stays_is_closed(
    run: Run, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DEVELOPMENT_UID, str(os.getuid() + 1))

    async def scenario() -> None:
        async with serving(path, Recorder()) as endpoint:
            with socket.socket(socket.AF_UNIX) as stranger:
                stranger.setblocking(False)
                stranger.connect(str(path))
                await until(lambda: endpoint.protocol_errors)
                await until(lambda: not endpoint.connections)

    run(scenario())
