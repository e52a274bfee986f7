"""A listening socket: each way to be closed, without a word and with one line in the log."""

import os
from pathlib import Path

import msgspec
import pytest

from psi.shared.framing import PROTOCOL, WRONG_PROTOCOL, pack
from psi.shared.limits import REQUEST_FRAME_BYTES
from psi.shared.messages.base import Done
from psi.shared.messages.broker import Lookup, StoreMapping
from psi.shared.processes import Process
from psi.shared.routes import request_cap
from tests.unit.shared.loops import Run
from tests.unit.shared.wire import Recorder, Wire, closes, encode, serving

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
