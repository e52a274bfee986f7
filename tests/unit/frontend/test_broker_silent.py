"""A broker that hangs or is away (r15): a lookup ends in its time, and says why."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from psi.shared.messages.base import Request
from psi.shared.messages.broker import Lookup, Ping
from tests.fakes.broker_stub.acts import Act, Hang, Late, obedient, value_of
from tests.unit.frontend.conftest import Start
from tests.unit.frontend.exchange import Answer, answer_of, ask, connect, look_up, read_all, request
from tests.unit.frontend.rig import ID, VALUE, Rig, secret_id
from tests.unit.frontend.waiting import is_silent, until

FULL, SHORT = 2.0, 0.4
LIMITS = {
    "lookup_seconds": FULL,
    "degraded_lookup_seconds": SHORT,
    "ping_seconds": SHORT,
    "ping_interval_seconds": 0.05,
}
LATE = "the broker did not answer in time; see psictl status"


def timed(pair: Rig) -> tuple[Answer, float]:
    begin = time.monotonic()
    answer = look_up(pair.http, ID)
    return answer, time.monotonic() - begin


def degraded(pair: Rig) -> bool:
    return pair.metric("psi_frontend_broker_degraded") == 1


def test_a_lookup_ends_at_its_deadline_then_the_next_ones_sooner(start: Start) -> None:
    pair = start(**LIMITS)
    pair.stub.script = lambda _: Hang()
    answer, seconds = timed(pair)
    assert (answer.status, answer.reason) == (503, LATE)
    assert FULL <= seconds < 2 * FULL
    assert degraded(pair)
    for _ in range(3):
        answer, seconds = timed(pair)
        assert (answer.status, answer.reason) == (503, LATE)
        assert seconds < FULL, "the short deadline holds"


def test_after_a_ping_the_full_time_holds_again(start: Start) -> None:
    pair = start(**LIMITS)
    pair.stub.script = lambda _: Hang()
    assert look_up(pair.http, ID).status == 503
    pair.stub.script = obedient
    until(lambda: not degraded(pair), "a Ping succeeded")
    gate = threading.Event()
    pair.stub.script = lambda r: Late(gate, value_of(r, VALUE)) if isinstance(r, Lookup) else Hang()
    with connect(pair.http) as client:
        client.sendall(request("GET", f"/lookup/{ID}"))
        assert is_silent(client, 2 * SHORT), "it was given the short time only"
        gate.set()
        assert answer_of(read_all(client)).body == VALUE


def test_pings_alone_do_not_end_it_while_none_succeeds(start: Start) -> None:
    pair = start(**LIMITS)
    pair.stub.script = lambda _: Hang()
    assert look_up(pair.http, ID).status == 503
    pings = pair.stub.asked(Ping)
    until(lambda: pair.stub.asked(Ping) > pings + 2, "it asks again and again")
    assert degraded(pair)


def test_health_tells_that_the_broker_hangs(start: Start) -> None:
    pair = start(**LIMITS)
    assert ask(pair.http, "GET", "/healthz").status == 200
    pair.stub.script = lambda _: Hang()
    answer = ask(pair.http, "GET", "/healthz")
    assert (answer.status, answer.reason) == (503, LATE)


def test_a_late_store_and_a_late_delete_get_503(start: Start) -> None:
    pair = start(**LIMITS | {"lookup_seconds": 0.3})
    pair.stub.script = lambda _: Hang()
    assert ask(pair.http, "POST", f"/store/{ID}", b"{}").status == 503
    assert ask(pair.http, "DELETE", f"/delete/{ID}").status == 503
    assert not degraded(pair), "only lookups tell, for a disk may be slow"


def test_health_and_cached_lookups_go_on_beside_200_that_hang(start: Start) -> None:
    pair = start(lookup_seconds=20)
    gate = threading.Event()
    pair.stub.script = lambda r: Late(gate, obedient(r)) if _is_low(r) else obedient(r)
    with ThreadPoolExecutor(200) as pool:
        hung = [pool.submit(look_up, pair.http, secret_id(number)) for number in range(200)]
        until(lambda: pair.stub.asked(Lookup) == 200, "all hang at the broker")
        begin = time.monotonic()
        for _ in range(20):
            assert look_up(pair.http, ID).body == VALUE
        assert ask(pair.http, "GET", "/healthz").status == 200
        assert time.monotonic() - begin < 5
        gate.set()
        for number, answer in enumerate(hung):
            assert answer.result().body == secret_id(number).upper().encode()


def _is_low(asked: Request) -> bool:
    return isinstance(asked, Lookup) and int(asked.secret_id, 16) < 200


def away(pair: Rig, method: str, route: str) -> Answer:
    begin = time.monotonic()
    answer = ask(pair.http, method, route, b"{}" if method == "POST" else b"")
    assert time.monotonic() - begin < 5, "it waits for nobody"
    return answer


ROUTES = (
    ("GET", f"/lookup/{ID}"), ("POST", f"/store/{ID}"), ("DELETE", f"/delete/{ID}"),
    ("GET", "/healthz"),
)  # fmt: skip  # a table


def test_with_the_broker_refusing_everything_gets_503_at_once(start: Start) -> None:
    pair = start()
    assert look_up(pair.http, ID).status == 200
    pair.stub.refuse()
    for method, route in ROUTES:
        answer = away(pair, method, route)
        assert answer.status == 503
        expected = "the broker is not reachable: Connection refused; see psictl status"
        assert answer.reason == expected


def test_with_the_brokers_socket_missing_everything_gets_503_at_once(start: Start) -> None:
    pair = start()
    pair.stub.refuse()
    pair.stub.path.unlink()
    for method, route in ROUTES:
        answer = away(pair, method, route)
        assert answer.status == 503
        expected = "the broker is not reachable: No such file or directory; see psictl status"
        assert answer.reason == expected


def test_what_needs_no_broker_is_answered_without_one(start: Start) -> None:
    pair = start()
    pair.stub.refuse()
    assert away(pair, "GET", "/list").status == 200
    assert away(pair, "GET", "/metrics").status == 200


def test_a_broker_that_comes_back_is_used(start: Start) -> None:
    pair = start()
    pair.stub.refuse()
    assert look_up(pair.http, ID).status == 503
    pair.stub.listen()
    assert look_up(pair.http, ID).body == VALUE


def test_a_hung_store_does_not_fill_the_place_of_lookups(start: Start) -> None:
    pair = start(lookup_seconds=20)

    def script(asked: Request) -> Act:
        return obedient(asked) if isinstance(asked, Lookup) else Hang()

    pair.stub.script = script
    with connect(pair.http) as client:
        client.sendall(request("POST", f"/store/{ID}", b"{}"))
        assert look_up(pair.http, ID).body == VALUE
