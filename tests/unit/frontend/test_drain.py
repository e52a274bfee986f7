"""SIGTERM: who is connected is served, who waits is served by the next instance."""

import os
import signal
import threading
from contextlib import ExitStack

from psi.shared.messages.broker import Lookup
from tests.fakes.broker_stub.acts import Hang, Late, obedient
from tests.unit.frontend.conftest import Start
from tests.unit.frontend.exchange import answer_of, connect, look_up, read_all, request
from tests.unit.frontend.rig import ID, VALUE, Rig, secret_id
from tests.unit.frontend.waiting import is_silent, until

LOOKUP = request("GET", f"/lookup/{ID}")


def stopping(pair: Rig) -> None:
    """Send SIGTERM and wait until it was taken."""
    os.kill(pair.frontend.pid, signal.SIGTERM)
    until(lambda: "stopping" in pair.frontend.text(), "it drains")


def ended(pair: Rig) -> int:
    assert pair.frontend.process is not None
    return pair.frontend.process.wait(10)


def test_an_idle_frontend_ends_with_0(start: Start) -> None:
    pair = start()
    stopping(pair)
    assert ended(pair) == 0


def test_a_request_in_flight_is_answered(start: Start) -> None:
    pair = start(drain_seconds=10)
    gate = threading.Event()
    pair.stub.script = lambda r: Late(gate, obedient(r))
    with connect(pair.http) as client:
        client.sendall(LOOKUP)
        until(lambda: pair.stub.asked(Lookup) == 1, "it is in flight")
        stopping(pair)
        gate.set()
        assert answer_of(read_all(client)).body == VALUE
    assert ended(pair) == 0


def test_a_request_that_is_being_sent_is_answered(start: Start) -> None:
    pair = start(drain_seconds=10)
    with connect(pair.http) as client:
        client.sendall(LOOKUP[:20])
        until(lambda: pair.metric("psi_frontend_open_connections") == 2, "it is accepted")
        stopping(pair)
        client.sendall(LOOKUP[20:])
        assert answer_of(read_all(client)).body == VALUE
    assert ended(pair) == 0


def test_a_hung_request_gets_503_when_the_time_is_over(start: Start) -> None:
    pair = start(drain_seconds=0.3)
    pair.stub.script = lambda _: Hang()
    with connect(pair.http) as client:
        client.sendall(LOOKUP)
        until(lambda: pair.stub.asked(Lookup) == 1, "it is in flight")
        stopping(pair)
        answer = answer_of(read_all(client))
    assert (answer.status, answer.reason) == (503, "the frontend is stopping; try again")
    assert ended(pair) == 0


def test_stalled_clients_do_not_keep_it_from_ending(start: Start) -> None:
    pair = start(drain_seconds=0.3)
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(connect(pair.http)).sendall(LOOKUP[:9])
        until(lambda: pair.metric("psi_frontend_open_connections") == 21, "all are connected")
        stopping(pair)
        assert ended(pair) == 0


def test_who_comes_while_it_drains_is_served_by_the_next_instance(start: Start) -> None:
    pair = start(drain_seconds=0.3)
    pair.stub.script = lambda _: Hang()
    with ExitStack() as stack:
        stack.enter_context(connect(pair.http)).sendall(LOOKUP)
        until(lambda: pair.stub.asked(Lookup) == 1, "it is in flight")
        stopping(pair)
        waiting = [stack.enter_context(connect(pair.http)) for _ in range(50)]
        for number, client in enumerate(waiting):
            client.sendall(request("GET", f"/lookup/{secret_id(number)}"))
        assert ended(pair) == 0
        assert all(is_silent(client, 0) for client in waiting), "nobody was refused"
        pair.stub.script = obedient
        pair.frontend.start()
        for number, client in enumerate(waiting):
            assert answer_of(read_all(client)).body == secret_id(number).upper().encode()


def test_a_killed_frontend_loses_nobody_who_waits(start: Start) -> None:
    pair = start()
    os.kill(pair.frontend.pid, signal.SIGSTOP)
    with connect(pair.http) as client:
        client.sendall(LOOKUP)
        pair.frontend.kill()
        pair.frontend.start()
        assert answer_of(read_all(client)).body == VALUE
    assert look_up(pair.http, ID).body == VALUE
