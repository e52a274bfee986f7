"""Many clients at once: those who stall, hang up or read slowly cost the others nothing."""

import resource
import socket
import time
from contextlib import ExitStack

import pytest

from psi.shared.messages.broker import Lookup
from tests.fakes.broker_stub.acts import Hang, obedient, value_of
from tests.unit.frontend.conftest import Start
from tests.unit.frontend.exchange import answer_of, ask, connect, look_up, read_all, request
from tests.unit.frontend.rig import ID, VALUE, Rig, secret_id
from tests.unit.frontend.waiting import is_silent, until

LOOKUP = request("GET", f"/lookup/{ID}")
STALLED = (b"", b"G", LOOKUP[:40], LOOKUP[:-1], request("POST", f"/store/{ID}", b"body")[:-1])
"""Nothing, and a request up to several points."""
PLACES = 8
LARGE = b"x" * 500_000
"""More than a Unix socket buffers (212,992 bytes by default)."""


def stall(stack: ExitStack, pair: Rig, count: int) -> list[socket.socket]:
    """Connect so many clients that send no whole request."""
    clients = []
    for number in range(count):
        client = stack.enter_context(connect(pair.http))
        client.sendall(STALLED[number % len(STALLED)])
        clients.append(client)
    return clients


def test_a_lookup_beside_200_stalled_clients_is_answered_at_once(rig: Rig) -> None:
    with ExitStack() as stack:
        stall(stack, rig, 200)
        until(lambda: rig.metric("psi_frontend_open_connections") > 200, "all are connected")
        begin = time.monotonic()
        for number in range(20):
            assert look_up(rig.http, secret_id(number)).status == 200
        assert time.monotonic() - begin < 5, "the stalled clients' deadline is 10 s"


def test_at_capacity_nobody_is_refused_and_the_next_is_served_when_one_ends(start: Start) -> None:
    pair = start(http_connections=PLACES)
    with ExitStack() as stack:
        stalled = stall(stack, pair, PLACES)
        waiting = [stack.enter_context(connect(pair.http)) for _ in range(2 * PLACES)]
        for client in waiting:
            client.sendall(LOOKUP)
        assert all(is_silent(client, 0.01) for client in waiting)
        stalled[3].close()
        for client in waiting:
            assert answer_of(read_all(client)).body == VALUE


def test_below_capacity_one_more_is_served(start: Start) -> None:
    pair = start(http_connections=PLACES)
    with ExitStack() as stack:
        stall(stack, pair, PLACES - 1)
        assert look_up(pair.http, ID).body == VALUE


def test_ten_times_the_capacity_is_answered(start: Start) -> None:
    pair = start(http_connections=PLACES)
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(pair.http)) for _ in range(10 * PLACES)]
        for number, client in enumerate(clients):
            client.sendall(request("GET", f"/lookup/{secret_id(number)}"))
        for number, client in enumerate(clients):
            assert answer_of(read_all(client)).body == secret_id(number).upper().encode()


@pytest.mark.parametrize("begun", STALLED, ids=["nothing", "letter", "line", "head", "body"])
def test_a_request_that_is_not_sent_in_time_gets_400(start: Start, begun: bytes) -> None:
    pair = start(http_request_seconds=0.3)
    with connect(pair.http) as client:
        client.sendall(begun)
        answer = answer_of(read_all(client))
    assert (answer.status, answer.reason) == (400, "the request was not sent in time")


def test_a_dripping_client_is_ended_at_the_whole_deadline(start: Start) -> None:
    pair = start(http_request_seconds=0.5)
    with connect(pair.http) as client:
        client.sendall(LOOKUP[:-2] + b"X: ")
        begin = time.monotonic()
        while is_silent(client, 0.02):
            client.sendall(b"x")
            assert time.monotonic() - begin < 10, "each byte gave it more time"
        assert answer_of(read_all(client)).status == 400


def test_a_slow_reader_of_a_large_value_is_cut_and_disturbs_nobody(start: Start) -> None:
    pair = start(http_request_seconds=0.8)
    large = secret_id(0)
    pair.stub.script = lambda r: (
        value_of(r, LARGE) if isinstance(r, Lookup) and r.secret_id == large else obedient(r)
    )
    with connect(pair.http) as slow:
        slow.sendall(request("GET", f"/lookup/{large}"))
        assert slow.recv(1) == b"H"
        assert all(look_up(pair.http, ID).body == VALUE for _ in range(20))
        until(lambda: pair.metric("psi_frontend_open_connections") == 1, "it is cut")
        assert len(read_all(slow)) < len(LARGE)
    assert look_up(pair.http, large).body == LARGE


def test_clients_that_hang_up_at_once_leave_nothing_behind(start: Start) -> None:
    pair = start()
    assert look_up(pair.http, ID).body == VALUE  # the first opens what is kept for good
    own = pair.descriptors() - pair.stub.connections
    for _ in range(200):
        with connect(pair.http) as client:
            client.sendall(LOOKUP)
    until(lambda: pair.metric("psi_frontend_open_connections") == 1, "all are gone")
    assert look_up(pair.http, ID).body == VALUE
    until(lambda: pair.descriptors() - pair.stub.connections == own, "their descriptors are free")


def test_clients_that_hang_up_while_a_large_value_is_written_leave_nothing_behind(
    start: Start,
) -> None:
    pair = start()
    pair.stub.script = lambda r: value_of(r, LARGE)
    assert look_up(pair.http, ID).body == LARGE
    own = pair.descriptors() - pair.stub.connections
    for _ in range(50):
        with connect(pair.http) as client:
            client.sendall(LOOKUP)
            assert client.recv(10)
    assert look_up(pair.http, ID).body == LARGE
    until(lambda: pair.descriptors() - pair.stub.connections == own, "their descriptors are free")


def test_clients_that_hang_up_while_the_broker_hangs_hold_their_places_for_a_deadline(
    start: Start,
) -> None:
    pair = start(http_connections=PLACES, lookup_seconds=0.5, ping_seconds=0.3)
    pair.stub.script = lambda r: Hang() if isinstance(r, Lookup) else obedient(r)
    for _ in range(PLACES):
        with connect(pair.http) as client:
            client.sendall(LOOKUP)
    until(lambda: pair.stub.asked(Lookup) == PLACES, "all hang")
    pair.stub.script = obedient
    assert look_up(pair.http, ID).body == VALUE


def test_it_recovers_when_descriptors_ran_out(start: Start) -> None:
    pair = start()
    assert look_up(pair.http, ID).body == VALUE
    most = pair.descriptors() + 10
    resource.prlimit(pair.frontend.pid, resource.RLIMIT_NOFILE, (most, most))
    with ExitStack() as stack:
        stall(stack, pair, 30)
        until(lambda: "accept.failed" in pair.frontend.text(), "it ran out")
    assert ask(pair.http, "GET", f"/lookup/{ID}").body == VALUE
    until(lambda: pair.metric("psi_frontend_open_connections") == 1, "all are gone")
