"""Faults below HTTP: connections that break, hang, drip or flood."""

import json
import time
import zlib
from collections.abc import Iterator

import pytest

from tests.fakes.infisical.process import StandIn
from tests.unit.fakes_infisical.raw import DEADLINE, RawClient

HOUR = 3600.0  # seconds; longer than any test waits, so what ends sooner was let go


@pytest.fixture(scope="module")
def running() -> Iterator[StandIn]:
    with StandIn() as stand_in:
        yield stand_in


@pytest.fixture
def stand_in(running: StandIn) -> Iterator[StandIn]:
    yield running
    running.clear_faults()
    running.clear_requests()


@pytest.fixture
def client(stand_in: StandIn) -> Iterator[RawClient]:
    with RawClient(stand_in.url) as raw:
        yield raw


def _wait_logged(stand_in: StandIn) -> None:
    deadline = time.monotonic() + DEADLINE
    while not stand_in.requests():
        assert time.monotonic() < deadline, "the request was never logged"


def test_reset_is_a_tcp_reset(stand_in: StandIn, client: RawClient) -> None:
    stand_in.fault("reset")
    client.get()
    with pytest.raises(ConnectionResetError):
        client.rest()


def test_hang_before_headers_sends_nothing(stand_in: StandIn, client: RawClient) -> None:
    stand_in.fault("hang_before_headers")
    client.get()
    _wait_logged(stand_in)
    assert client.nothing_waits()
    assert stand_in.requests()[0]["status"] is None
    stand_in.clear_faults()
    assert client.rest() == b""


def test_hang_in_body_sends_half(stand_in: StandIn, client: RawClient) -> None:
    stand_in.fault("hang_in_body")
    status, headers = client.get().head()
    half = int(headers["content-length"]) // 2
    assert status == 200
    client.exactly(half)
    assert client.nothing_waits()
    stand_in.clear_faults()
    assert client.rest() == b""


def test_cut_body_closes_before_the_announced_end(stand_in: StandIn, client: RawClient) -> None:
    stand_in.fault("cut_body", after=5)
    status, headers = client.get().head()
    assert (status, int(headers["content-length"]) > 5) == (200, True)
    assert len(client.rest()) == 5


def test_drip_sends_one_byte_an_interval(stand_in: StandIn, client: RawClient) -> None:
    stand_in.fault("drip", interval=HOUR)
    client.get()
    assert client.socket.recv(100) == b"H"
    assert client.nothing_waits()


def test_drip_ends_when_faults_are_cleared(stand_in: StandIn, client: RawClient) -> None:
    stand_in.fault("drip", interval=HOUR)
    client.get()
    assert client.exactly(1) == b"H"
    stand_in.clear_faults()
    assert client.exactly(14) == b"TTP/1.1 200 OK"


def test_drip_comes_to_its_end_by_itself(stand_in: StandIn, client: RawClient) -> None:
    stand_in.fault("drip", interval=0.0001)
    status, _, body = client.get().response()
    assert (status, json.loads(body)["message"]) == (200, "Ok")


def test_gzip_bomb_is_small_and_unpacks_large(stand_in: StandIn, client: RawClient) -> None:
    stand_in.fault("gzip_bomb", mib=8)
    _, headers, body = client.get().response()
    assert headers["content-encoding"] == "gzip"
    assert len(body) < 65_536
    assert len(zlib.decompress(body, 16 + zlib.MAX_WBITS)) == 8 * 1_048_576 + 2


def test_huge_sends_all_it_announces(stand_in: StandIn, client: RawClient) -> None:
    stand_in.fault("huge", mib=3)
    status, headers, body = client.get().response()
    assert (status, int(headers["content-length"])) == (200, 3 * 1_048_576 + 2)
    assert body == b'"' + b"x" * (3 * 1_048_576) + b'"'


def test_delay_is_let_go_when_faults_are_cleared(stand_in: StandIn, client: RawClient) -> None:
    stand_in.fault("delay", seconds=HOUR)
    client.get()
    _wait_logged(stand_in)
    assert client.nothing_waits()
    stand_in.clear_faults()
    assert client.response()[0] == 200


def test_delay_ends_by_itself(stand_in: StandIn, client: RawClient) -> None:
    stand_in.fault("delay", seconds=0.01)
    assert client.get().response()[0] == 200


def test_hold_waits_for_its_release(stand_in: StandIn, client: RawClient) -> None:
    stand_in.fault("hold")
    client.get()
    stand_in.wait_held(1)
    assert client.nothing_waits()
    assert stand_in.release() == 1
    assert client.response()[0] == 200
    assert stand_in.held() == 0


def test_hold_forgets_clients_that_left(stand_in: StandIn, client: RawClient) -> None:
    stand_in.fault("hold")
    client.get()
    stand_in.wait_held(1)
    client.socket.close()
    deadline = time.monotonic() + DEADLINE
    while stand_in.held():
        assert time.monotonic() < deadline, "the request is still held"


def test_a_hundred_requests_are_held_at_once_and_answered(stand_in: StandIn) -> None:
    stand_in.fault("hold")
    clients = [RawClient(stand_in.url).get() for _ in range(120)]
    stand_in.wait_held(120)
    stand_in.clear_faults()
    assert {client.response()[0] for client in clients} == {200}
    for client in clients:
        client.socket.close()


def test_requests_follow_each_other_on_one_connection(client: RawClient) -> None:
    client.get().get()
    assert [client.response()[0] for _ in range(2)] == [200, 200]
