"""The classifier against every recorded error of a real server, and against anything else."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psi.broker.infisical.answer import classify_answer
from psi.broker.infisical.outcome import Kind, Repeat, bad_value, foreign, unserved
from psi.shared.secret import SecretBytes
from psi.shared.text import ascii_line
from tests.unit.broker_infisical.setting import assert_fit

RECORDINGS = Path(__file__).parents[2] / "contract" / "recordings"
REPEATS = {
    429: Repeat.LATER,
    500: Repeat.ONCE,
    502: Repeat.LATER,
    503: Repeat.LATER,
    504: Repeat.LATER,
}
PERMISSION = {"PermissionDenied", "ProjectMembershipNotFound"}


def recorded_errors() -> list[dict[str, Any]]:
    recordings = [json.loads(path.read_bytes()) for path in sorted(RECORDINGS.glob("*.json"))]
    return [one for one in recordings if one["status"] >= 400]


def expected(recording: dict[str, Any]) -> Kind:
    status, body = recording["status"], recording["response_body"]
    if status == 404:
        return Kind.ABSENT if "reqId" in body else Kind.FOREIGN
    return Kind.LIMITED if status == 429 else Kind.TRANSPORT if status >= 500 else Kind.REFUSED


@pytest.mark.parametrize("recording", recorded_errors(), ids=lambda one: str(one["name"]))
def test_recorded_errors_are_classified(recording: dict[str, Any]) -> None:
    body, status = recording["response_body"], recording["status"]
    headers = recording["response_headers"]
    error = classify_answer(status, headers, json.dumps(body).encode())
    assert_fit(error)
    assert error.kind is expected(recording)
    assert error.token is (status == 401 or body.get("error") == "TokenError")
    assert error.permission is (status == 403 and body.get("error") in PERMISSION)
    assert error.repeat is REPEATS.get(status, Repeat.NO)
    if status == 429:
        assert error.retry_after == int(headers["retry-after"])


def test_zod_issues_are_told_by_field() -> None:
    issue = {"code": "invalid_type", "path": ["clientId"], "message": "Required"}
    body = json.dumps({"reqId": "req-x", "message": [issue], "error": "ValidationFailure"})
    error = classify_answer(422, {}, body.encode())
    assert "422: clientId: Required" in str(error)


@pytest.mark.parametrize(
    ("header", "message", "seconds"),
    [
        ("60", "", 60),
        (None, "Rate limit exceeded. Please try again in 12 seconds", 12),
        (None, "slow down", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "", None),
        ("-5", "", None),
        ("99999999", "", None),
        ("90000", "", 3600),
        ("²", "", None),
    ],
)
def test_the_time_to_wait_is_read_and_bounded(
    header: str | None, message: str, seconds: int | None
) -> None:
    body = json.dumps({"message": message}).encode()
    error = classify_answer(429, {} if header is None else {"retry-after": header}, body)
    assert (error.kind, error.retry_after) == (Kind.LIMITED, seconds)


@settings(deadline=None)
@given(
    status=st.integers(100, 599),
    retry_after=st.none() | st.text(max_size=12),
    body=st.binary(max_size=60)
    | st.fixed_dictionaries(
        {"message": st.text() | st.lists(st.dictionaries(st.text(), st.text()))},
        optional={"reqId": st.text(), "error": st.text() | st.none()},
    ).map(lambda one: json.dumps(one).encode()),
)
def test_any_answer_becomes_an_error_fit_to_be_shown(
    status: int, retry_after: str | None, body: bytes
) -> None:
    assert_fit(
        classify_answer(status, {} if retry_after is None else {"retry-after": retry_after}, body)
    )


@given(text=st.text())
def test_any_text_becomes_ascii_line(text: str) -> None:
    for error in (foreign(text), unserved(text, text), bad_value(text, text)):
        assert_fit(error)
    assert len(ascii_line(text, 10)) <= 10


def test_sent_secrets_are_cut_out_of_the_servers_words() -> None:
    body = json.dumps({"message": "bad token hunter2hunter2", "error": "x"}).encode()
    error = classify_answer(400, {}, body, [SecretBytes(b"hunter2hunter2")])
    assert error.words == "bad token (secret)"


def test_a_status_without_a_body_of_infisical_is_foreign() -> None:
    for status in (400, 401, 403, 404, 405, 422):
        assert classify_answer(status, {}, b"").kind is Kind.FOREIGN
