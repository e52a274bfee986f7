"""How requests may arrive, and what they get."""

import pytest

from psi.shared.messages.base import Refused
from psi.shared.messages.broker import DeleteMapping, Lookup, StoreMapping
from tests.fakes.broker_stub.acts import obedient, value_of
from tests.unit.frontend.conftest import Start
from tests.unit.frontend.exchange import (
    answer_of,
    ask,
    connect,
    exchange,
    look_up,
    read_all,
    request,
    send,
)
from tests.unit.frontend.rig import ID, VALUE, Rig

LOOKUP = request("GET", f"/lookup/{ID}")
STORE = request("POST", f"/store/{ID}", b'{"key": "K"}')


def test_a_lookup_gets_the_value(rig: Rig) -> None:
    answer = look_up(rig.http, ID)
    assert (answer.status, answer.body) == (200, VALUE)


def test_the_broker_is_told_who_asks(rig: Rig) -> None:
    look_up(rig.http, ID)
    last = rig.stub.requests[-1]
    assert isinstance(last, Lookup)
    assert (last.secret_id, last.claimed_uid) == (ID, 0)
    assert last.claimed_pid > 1


def test_a_store_hands_the_body_on_and_prints_nothing(rig: Rig) -> None:
    answer = exchange(rig.http, STORE)
    assert (answer.status, answer.body) == (200, b"")
    last = rig.stub.requests[-1]
    assert isinstance(last, StoreMapping)
    assert (last.secret_id, last.mapping) == (ID, b'{"key": "K"}')


def test_a_delete_prints_nothing(rig: Rig) -> None:
    answer = ask(rig.http, "DELETE", f"/delete/{ID}")
    assert (answer.status, answer.body) == (200, b"")
    assert isinstance(rig.stub.requests[-1], DeleteMapping)


def test_a_list_names_no_id(rig: Rig) -> None:
    answer = ask(rig.http, "GET", "/list")
    assert (answer.status, answer.body) == (200, b"")


def test_health_is_good_while_the_broker_answers(rig: Rig) -> None:
    assert ask(rig.http, "GET", "/healthz").status == 200


@pytest.mark.parametrize("data", [LOOKUP, STORE], ids=["lookup", "store"])
def test_a_request_that_comes_byte_by_byte_is_answered(rig: Rig, data: bytes) -> None:
    with connect(rig.http) as client:
        for index in range(len(data)):
            client.sendall(data[index : index + 1])
        assert answer_of(read_all(client)).status == 200


@pytest.mark.parametrize("cut", range(1, len(STORE), 9))
def test_a_request_in_two_pieces_is_answered(rig: Rig, cut: int) -> None:
    with connect(rig.http) as client:
        client.sendall(STORE[:cut])
        look_up(rig.http, ID)  # by then the first piece was read alone
        client.sendall(STORE[cut:])
        assert answer_of(read_all(client)).status == 200


@pytest.mark.parametrize("data", [LOOKUP, STORE], ids=["lookup", "store"])
def test_a_half_closed_client_gets_its_reply(rig: Rig, data: bytes) -> None:
    assert answer_of(send(rig.http, data, half_close=True)).status == 200


def test_http_1_0_is_answered(rig: Rig) -> None:
    assert exchange(rig.http, f"GET /lookup/{ID} HTTP/1.0\r\n\r\n".encode()).body == VALUE


def test_keep_alive_is_answered_with_close(rig: Rig) -> None:
    answer = ask(rig.http, "GET", f"/lookup/{ID}", Connection="keep-alive", Keep_Alive="max=100")
    assert (answer.body, answer.headers["connection"]) == (VALUE, "close")


def test_an_upgrade_is_not_taken(rig: Rig) -> None:
    answer = ask(rig.http, "GET", f"/lookup/{ID}", Connection="Upgrade", Upgrade="h2c")
    assert answer.body == VALUE


@pytest.mark.parametrize("first", [LOOKUP, STORE], ids=["lookup", "store"])
def test_a_pipelined_second_request_is_not_answered_and_ends_cleanly(
    rig: Rig, first: bytes
) -> None:
    other = request("GET", f"/lookup/{'f' * 25}")
    with connect(rig.http) as client:
        client.sendall(first + other)
        data = b""
        while part := client.recv(1 << 16):  # a reset would raise
            data += part
    assert answer_of(data).status == 200
    assert b"FFFF" not in data


def test_the_interim_reply_comes_only_when_it_is_awaited(rig: Rig) -> None:
    head, body = STORE.split(b"\r\n\r\n")
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    with connect(rig.http) as client:
        client.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(1 << 16) == interim
        client.sendall(body)
        assert answer_of(read_all(client)).status == 200
    whole = head + b"\r\nExpect: 100-continue\r\n\r\n" + body
    assert answer_of(send(rig.http, whole)).status == 200


def test_a_body_that_will_be_refused_is_not_awaited(rig: Rig) -> None:
    data = request("POST", f"/store/{ID}", Content_Length="16385", Expect="100-continue")
    assert exchange(rig.http, data).status == 400


def test_a_refusal_of_the_broker_reaches_the_client_with_its_reason(start: Start) -> None:
    pair = start()
    pair.stub.script = lambda r: Refused(id=r.id, code="absent", detail="gone; run psictl setup")
    answer = look_up(pair.http, ID)
    assert (answer.status, answer.reason) == (404, "gone; run psictl setup")


@pytest.mark.parametrize("size", [1, 100_000, 511_999])
def test_a_value_of_any_size_comes_whole(start: Start, size: int) -> None:
    pair = start()
    value = (b"\x00\r\n\xff'\"$" * (size // 7 + 1))[:size]
    pair.stub.script = lambda r: value_of(r, value) if isinstance(r, Lookup) else obedient(r)
    assert look_up(pair.http, ID).body == value
