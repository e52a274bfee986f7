"""What is refused on psi.sock itself, and when: at once, with one reply, and nothing else."""

import pytest

from psi.shared.limits import BODY_BYTES, HEAD_BYTES
from psi.shared.messages.broker import Lookup, StoreMapping
from tests.unit.frontend.exchange import ask, connect, exchange, look_up, read_all, request, send
from tests.unit.frontend.rig import ID, VALUE, Rig

CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(200)
"""How TLS 1.2 and 1.3 begin (RFC 8446, 5.1)."""
NO_HTTP = "this is not HTTP; see curl --unix-socket"

GARBAGE = {
    "TLS": CLIENT_HELLO,
    "one NUL": b"\0",
    "one line feed": b"\n",
    "an empty line": b"\r\n",
    "lower case": b"get /list",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP/2 without its end": b"PRI * HT",
    "another method": b"PUT /",
    "a frame of the broker's socket": b"\x01\x00\x00\x00\x05hello",
    "8 KiB of noise": bytes(range(128, 256)) * 64,
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_refused_at_once(rig: Rig, garbage: bytes) -> None:
    answer = exchange(rig.http, garbage)
    assert (answer.status, answer.reason) == (400, NO_HTTP)


def test_an_http2_preface_is_refused_at_once(rig: Rig) -> None:
    assert exchange(rig.http, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").status == 400


BARE = {
    "after the request line": f"GET /lookup/{ID} HTTP/1.1\n\n".encode(),
    "after HTTP/0.9": f"GET /lookup/{ID}\n".encode(),
    "after a field": f"GET /lookup/{ID} HTTP/1.1\r\nHost: x\n".encode(),
    "as the empty line": f"GET /lookup/{ID} HTTP/1.1\r\n\n".encode(),
}


@pytest.mark.parametrize("data", BARE.values(), ids=BARE.keys())
def test_a_bare_line_feed_is_refused_at_once(rig: Rig, data: bytes) -> None:
    answer = exchange(rig.http, data)
    assert answer.status == 400
    assert answer.reason == "a line of the head ends without a carriage return"


def _head_of(size: int) -> bytes:
    start, end = f"GET /lookup/{ID} HTTP/1.1\r\nX: ".encode(), b"\r\n\r\n"
    return start + b"x" * (size - len(start) - len(end)) + end


def test_a_head_of_exactly_8_kib_is_answered(rig: Rig) -> None:
    assert exchange(rig.http, _head_of(HEAD_BYTES)).body == VALUE


@pytest.mark.parametrize("size", [HEAD_BYTES + 1, HEAD_BYTES + 4, 10 * HEAD_BYTES])
def test_a_head_over_8_kib_is_refused(rig: Rig, size: int) -> None:
    answer = exchange(rig.http, _head_of(size))
    assert answer.status == 400
    assert answer.reason == "the request head is larger than 8192 bytes"


def test_a_head_that_never_ends_is_refused_at_8_kib(rig: Rig) -> None:
    unended = _head_of(HEAD_BYTES + 4)[:HEAD_BYTES]
    assert exchange(rig.http, unended).reason == "the request head is larger than 8192 bytes"


def test_a_body_of_exactly_16_kib_is_stored(rig: Rig) -> None:
    body = b"x" * BODY_BYTES
    assert ask(rig.http, "POST", f"/store/{ID}", body).status == 200
    stored = next(r for r in reversed(rig.stub.requests) if isinstance(r, StoreMapping))
    assert stored.mapping == body


@pytest.mark.parametrize("size", [BODY_BYTES + 1, 100_000, 500_000])
def test_a_body_over_16_kib_is_refused_with_its_reason(rig: Rig, size: int) -> None:
    before = rig.stub.asked(StoreMapping)
    answer = ask(rig.http, "POST", f"/store/{ID}", b"x" * size)
    assert (answer.status, answer.reason) == (400, "the body is larger than 16384 bytes")
    assert rig.stub.asked(StoreMapping) == before


@pytest.mark.parametrize("size", [1, 10_000_000, 10**19])
def test_a_body_on_a_lookup_reaches_nobody(rig: Rig, size: int) -> None:
    before = rig.stub.asked(Lookup)
    data = request("GET", f"/lookup/{ID}", Content_Length=str(size))
    assert exchange(rig.http, data).status == 400
    assert rig.stub.asked(Lookup) == before


def test_a_refusal_is_one_reply_although_more_follows(rig: Rig) -> None:
    data = request("GET", "/nope") + request("GET", f"/lookup/{ID}")
    assert exchange(rig.http, data).status == 400


def test_a_client_that_only_closes_gets_nothing(rig: Rig) -> None:
    assert send(rig.http, b"", half_close=True) == b""


def test_a_request_that_ends_early_gets_nothing(rig: Rig) -> None:
    assert send(rig.http, request("GET", f"/lookup/{ID}")[:-2], half_close=True) == b""


def test_a_body_that_ends_early_is_not_stored(rig: Rig) -> None:
    before = rig.stub.asked(StoreMapping)
    data = request("POST", f"/store/{ID}", b"x" * 100)[:-1]
    assert send(rig.http, data, half_close=True) == b""
    assert rig.stub.asked(StoreMapping) == before


def test_after_every_refusal_the_next_lookup_is_answered(rig: Rig) -> None:
    for garbage in GARBAGE.values():
        with connect(rig.http) as client:
            client.sendall(garbage)
            assert read_all(client)
        assert look_up(rig.http, ID).body == VALUE
