"""Every reply is one that curl cannot mistake for a value."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psi.frontend.replies import (
    CONTINUE,
    NOTHING,
    STATUS_OF,
    error_reply,
    refusal_reply,
    text_reply,
    value_reply,
)
from psi.shared.messages.broker import BrokerError
from psi.shared.processes import Process
from psi.shared.routes import rows
from tests.unit.frontend.exchange import answer_of

STATUSES = (400, 403, 404, 502, 503)


@given(st.binary(min_size=1, max_size=2000))
def test_a_value_comes_whole_with_its_length(value: bytes) -> None:
    answer = answer_of(value_reply(value))
    assert (answer.status, answer.body) == (200, value)


@pytest.mark.parametrize("size", [1, 511_999])
def test_the_smallest_and_the_largest_value_come_whole(size: int) -> None:
    assert answer_of(value_reply(b"v" * size)).body == b"v" * size


def test_an_empty_value_is_never_a_reply() -> None:
    with pytest.raises(ValueError, match="empty"):
        value_reply(b"")


@given(st.sampled_from(STATUSES), st.text(max_size=400))
def test_a_reason_is_one_short_line_of_printable_ascii(status: int, detail: str) -> None:
    answer = answer_of(error_reply(status, "error", detail))
    assert answer.status == status
    reason = answer.reason
    assert len(reason) <= 200
    assert reason.isascii()
    assert not reason or reason.isprintable()
    assert json.loads(answer.body) == {"error": "error", "detail": reason}


def test_a_reason_that_is_plain_comes_unchanged() -> None:
    assert answer_of(error_reply(404, "absent", "gone; set it")).reason == "gone; set it"


@pytest.mark.parametrize("code", BrokerError)
def test_every_refusal_of_the_broker_has_a_status(code: BrokerError) -> None:
    status, reply = refusal_reply(code, "why")
    answer = answer_of(reply)
    assert status == answer.status
    assert status in STATUSES
    assert json.loads(answer.body)["error"] == code


def test_a_code_that_is_not_known_is_a_bad_gateway() -> None:
    assert refusal_reply("brand-new", "why")[0] == 502


def test_the_frontend_knows_every_refusal_of_its_routes() -> None:
    own = {code for row in rows(Process.FRONTEND, Process.BROKER) for code in row.errors}
    assert set(STATUS_OF) == own


@given(st.text(st.characters(codec="ascii"), max_size=500))
def test_plain_text_has_its_length(text: str) -> None:
    assert answer_of(text_reply(text)).body == text.encode()


def test_nothing_is_a_success_of_no_bytes() -> None:
    assert answer_of(NOTHING) == (200, {"content-length": "0", "connection": "close"}, b"")


def test_the_interim_reply_is_a_whole_head() -> None:
    assert CONTINUE == b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize("reply", [value_reply(b"v"), text_reply("t"), error_reply(404, "e", "d")])
def test_the_length_stands_right_behind_the_status(reply: bytes) -> None:
    # curl 7.88.1 takes a head that ends before it for an empty value.
    assert reply.split(b"\r\n")[1].startswith(b"Content-Length: ")
