"""A broken or hostile broker: no wrong value ever reaches a caller, and the caller is told."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import msgspec
import pytest

from psi.shared.framing import pack
from psi.shared.messages.base import Done, Refused
from psi.shared.messages.broker import Lookup, LookupReply, Pong
from psi.shared.secret import SecretBytes
from tests.fakes.broker_stub.acts import Act, Cut, Late, Raw, frame, obedient, value_of
from tests.unit.frontend.conftest import Start
from tests.unit.frontend.exchange import Answer, ask, look_up
from tests.unit.frontend.rig import ID, VALUE, Rig, secret_id
from tests.unit.frontend.waiting import until

BROKE = "the broker broke the protocol; see the log; see psictl status"
EVIL = b"a value of somebody else"


def _cut(after: int, request: Any) -> Act:
    return Cut(value_of(request, VALUE), after)


def _late(gate: threading.Event, request: Any) -> Act:
    return Late(gate, obedient(request))


def _raw(request: Any, **fields: Any) -> Raw:
    return Raw(pack(msgspec.msgpack.encode({"type": "LookupReply", "id": request.id} | fields)))


BREACHES: dict[str, Callable[[Any], Act]] = {
    "reply to another id": lambda r: Raw(frame(LookupReply(id=r.id + 1, value=SecretBytes(EVIL)))),
    "reply to id 0": lambda _: Raw(frame(LookupReply(id=0, value=SecretBytes(EVIL)))),
    "Pong for a value": lambda r: Pong(id=r.id),
    "Done for a value": lambda r: Done(id=r.id),
    "oversized frame": lambda _: Raw(b"\x01\xff\xff\xff\xff" + EVIL),
    "frame one byte over the cap": lambda _: Raw(b"\x01" + (1024 * 1024 + 1).to_bytes(4, "big")),
    "empty frame": lambda _: Raw(b"\x01\0\0\0\0"),
    "another protocol number": lambda r: Raw(b"\x02" + frame(value_of(r, EVIL))[1:]),
    "no MessagePack": lambda _: Raw(pack(b"\xc1" + EVIL)),
    "HTTP": lambda _: Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"),
    "a value of 512,000 bytes": lambda r: value_of(r, b"x" * 512_000),
    "a value that is a number": lambda r: _raw(r, value=1),
    "a value that is missing": _raw,
    "an unknown field": lambda r: _raw(r, value=EVIL, more=1),
    "an unknown type": lambda r: _raw(r, type="Value", value=EVIL),
    "bytes behind the message": lambda r: Raw(
        pack(msgspec.msgpack.encode({"type": "LookupReply", "id": r.id, "value": EVIL}) + b"\0")
    ),
    "a reason of two lines": lambda r: Refused(id=r.id, code="absent", detail="a\r\nX: y"),
    "a reason that is too long": lambda r: Refused(id=r.id, code="absent", detail="x" * 201),
    "a reason that is no ASCII": lambda r: Refused(id=r.id, code="absent", detail="\x1b[31m"),
    "a code that is none": lambda r: Refused(id=r.id, code="<script>", detail="x"),
}


@pytest.mark.parametrize("act", BREACHES.values(), ids=BREACHES.keys())
def test_a_breach_of_the_protocol_is_a_503_and_costs_one_request(
    rig: Rig, act: Callable[[Any], Act]
) -> None:
    rig.stub.script = act
    answer = look_up(rig.http, ID)
    assert (answer.status, answer.reason) == (503, BROKE)
    assert b"evil" not in answer.body
    rig.stub.script = obedient
    assert look_up(rig.http, ID).body == VALUE


def test_an_empty_value_is_a_502_at_once(rig: Rig) -> None:
    rig.stub.script = lambda r: value_of(r, b"")
    answer = look_up(rig.http, ID)
    assert (answer.status, answer.reason) == (502, "the broker sent an empty value; see its log")


def test_a_value_of_one_byte_is_a_200(rig: Rig) -> None:
    rig.stub.script = lambda r: value_of(r, b"\0")
    assert look_up(rig.http, ID).body == b"\0"


def test_a_refusal_with_an_unknown_code_is_a_502(rig: Rig) -> None:
    rig.stub.script = lambda r: Refused(id=r.id, code="from-the-future", detail="why")
    answer = look_up(rig.http, ID)
    assert (answer.status, answer.reason) == (502, "why")


def test_a_value_for_a_store_is_no_success(rig: Rig) -> None:
    rig.stub.script = lambda r: value_of(r, EVIL)
    answer = ask(rig.http, "POST", f"/store/{ID}", b"{}")
    assert (answer.status, answer.reason) == (503, BROKE)


def test_a_reply_cut_anywhere_is_never_a_value(rig: Rig) -> None:
    whole = len(frame(value_of(Lookup(secret_id=ID, claimed_uid=0, claimed_pid=0), VALUE)))
    for after in range(whole - 8):  # a large id takes some bytes more than 0
        rig.stub.script = partial(_cut, after)
        answer = look_up(rig.http, ID)
        assert answer.status == 503, after
        assert "ended the connection without an answer" in answer.reason
    rig.stub.script = obedient
    assert look_up(rig.http, ID).body == VALUE


def test_a_connection_that_ends_without_an_answer_is_tried_once_more(rig: Rig) -> None:
    acts = [Raw(b"", close=True)]
    rig.stub.script = lambda r: acts.pop() if acts else obedient(r)
    before = rig.stub.asked(Lookup)
    assert look_up(rig.http, ID).body == VALUE
    assert rig.stub.asked(Lookup) == before + 2


def test_a_second_reply_is_given_to_nobody(rig: Rig) -> None:
    for number in range(20):
        rig.stub.script = lambda r: Raw(2 * frame(value_of(r, r.secret_id.upper().encode())))
        assert look_up(rig.http, secret_id(number)).body == secret_id(number).upper().encode()


def test_a_reply_ahead_of_its_request_is_given_to_nobody(rig: Rig) -> None:
    def script(asked: Any) -> Act:
        ahead = LookupReply(id=asked.id + 1, value=SecretBytes(EVIL))
        return Raw(frame(obedient(asked)) + frame(ahead))

    rig.stub.script = script
    for number in range(20):
        assert look_up(rig.http, secret_id(number)).body == secret_id(number).upper().encode()


def test_a_late_reply_is_never_given_to_the_next_caller(start: Start) -> None:
    pair = start(lookup_seconds=0.3, degraded_lookup_seconds=0.3, ping_seconds=0.2)
    for number in range(5):
        gate = threading.Event()
        pair.stub.script = partial(_late, gate)
        late = look_up(pair.http, secret_id(number))
        assert late.status == 503
        pair.stub.script = obedient
        with ThreadPoolExecutor(8) as pool:
            ids = [secret_id(100 + other) for other in range(32)]
            answers = pool.map(lambda other: look_up(pair.http, other), ids)
            gate.set()
            for other, answer in zip(ids, answers, strict=True):
                assert answer.status == 503 or answer.body == other.upper().encode()


def test_the_breach_is_logged_once_and_holds_no_value(start: Start) -> None:
    pair = start()
    pair.stub.script = BREACHES["reply to another id"]
    look_up(pair.http, ID)
    until(lambda: "server.closed" in pair.frontend.text(), "it is logged")
    log = pair.frontend.text()
    assert log.count("server.closed") == 1
    assert EVIL.decode() not in log


def test_another_protocol_is_waited_for_until_the_deadline(start: Start) -> None:
    pair = start(lookup_seconds=0.6)
    pair.stub.script = lambda _: Raw(b"\x15", close=True)
    assert look_up(pair.http, ID).status == 503


def test_a_broker_that_is_upgraded_loses_no_lookup(start: Start) -> None:
    pair = start()
    answers: list[Answer] = []
    pair.stub.script = lambda _: Raw(b"\x15", close=True)
    asking = threading.Thread(target=lambda: answers.append(look_up(pair.http, ID)))
    asking.start()
    until(lambda: pair.stub.asked(Lookup) > 2, "it asks again")
    pair.stub.script = obedient
    asking.join()
    assert answers[0].body == VALUE
