"""Faults that answer something else than Infisical would."""

import json
from collections.abc import Iterator

import pytest

from tests.fakes.infisical.process import StandIn, StandInError
from tests.unit.fakes_infisical.raw import RawClient


@pytest.fixture(scope="module")
def running() -> Iterator[StandIn]:
    with StandIn() as stand_in:
        yield stand_in


@pytest.fixture
def stand_in(running: StandIn) -> Iterator[StandIn]:
    yield running
    running.clear_faults()
    running.clear_requests()


def _ask(stand_in: StandIn, path: str = "/api/status") -> tuple[int, dict[str, str], bytes]:
    with RawClient(stand_in.url) as client:
        return client.get(path).response()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, "UnauthorizedError"),
        (403, "PermissionDenied"),
        (404, "NotFound"),
        (429, "RateLimitExceeded"),
        (500, "InternalServerError"),
        (503, "InternalServerError"),
        (504, "GatewayTimeout"),
    ],
)
def test_status_has_infisicals_shape(stand_in: StandIn, status: int, error: str) -> None:
    stand_in.fault("status", status=status)
    answered, headers, body = _ask(stand_in)
    assert (answered, json.loads(body)["error"]) == (status, error)
    assert json.loads(body)["reqId"].startswith("req-")
    assert "retry-after" not in headers


def test_status_with_own_names_and_headers(stand_in: StandIn) -> None:
    headers = {"Retry-After": "7"}
    stand_in.fault("status", status=403, error="TokenError", message="m", headers=headers)
    status, answered, body = _ask(stand_in)
    fields = json.loads(body)
    assert (status, answered["retry-after"]) == (403, "7")
    assert (fields["error"], fields["message"]) == ("TokenError", "m")
    assert "details" not in fields


def test_status_with_a_text_body_is_html(stand_in: StandIn) -> None:
    stand_in.fault("status", status=502, body="<html>Bad Gateway</html>")
    status, headers, body = _ask(stand_in)
    assert (status, body) == (502, b"<html>Bad Gateway</html>")
    assert headers["content-type"] == "text/html; charset=utf-8"


def test_status_with_a_json_body_of_any_shape(stand_in: StandIn) -> None:
    stand_in.fault("status", status=200, body={"secrets": []})
    assert json.loads(_ask(stand_in)[2]) == {"secrets": []}


def test_foreign_404_is_html(stand_in: StandIn) -> None:
    stand_in.fault("foreign_404")
    status, headers, body = _ask(stand_in)
    assert (status, headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert b"<html>" in body


def test_foreign_404_of_a_router_has_no_req_id(stand_in: StandIn) -> None:
    stand_in.fault("foreign_404", form="route")
    status, _, body = _ask(stand_in, "/api/v4/secrets?x=1")
    assert (status, json.loads(body)) == (
        404,
        {
            "message": "Route GET:/api/v4/secrets?x=1 not found",
            "error": "Not Found",
            "statusCode": 404,
        },
    )


def test_html_200(stand_in: StandIn) -> None:
    stand_in.fault("html_200")
    status, headers, body = _ask(stand_in)
    assert (status, headers["content-type"][:9], body[:9]) == (200, "text/html", b"<!DOCTYPE")


def test_invalid_json_says_it_is_json(stand_in: StandIn) -> None:
    stand_in.fault("invalid_json")
    status, headers, body = _ask(stand_in)
    assert (status, headers["content-type"]) == (200, "application/json; charset=utf-8")
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


def test_wrong_type_is_json_of_another_shape(stand_in: StandIn) -> None:
    stand_in.fault("wrong_type")
    assert json.loads(_ask(stand_in)[2])["secrets"] == {"no": "list"}
    stand_in.clear_faults()
    stand_in.fault("wrong_type", body=[None])
    assert json.loads(_ask(stand_in)[2]) == [None]


def test_redirect(stand_in: StandIn) -> None:
    stand_in.fault("redirect", location="http://127.0.0.1:1/x", status=307)
    status, headers, body = _ask(stand_in)
    assert (status, headers["location"], body) == (307, "http://127.0.0.1:1/x", b"")


def test_a_fault_strikes_only_its_method_and_path(stand_in: StandIn) -> None:
    stand_in.fault("status", "^/api/v4/", status=500)
    stand_in.fault("status", method="POST", status=500)
    assert _ask(stand_in)[0] == 200
    assert _ask(stand_in, "/api/v4/secrets")[0] == 500


def test_times_and_skip_count_down(stand_in: StandIn) -> None:
    stand_in.fault("status", status=500, times=2, skip=1)
    assert [_ask(stand_in)[0] for _ in range(5)] == [200, 500, 500, 200, 200]
    assert stand_in.control("GET", "faults")["faults"][0]["hits"] == 2


def test_cleared_faults_are_gone(stand_in: StandIn) -> None:
    stand_in.fault("status", status=500)
    assert _ask(stand_in)[0] == 500
    stand_in.clear_faults()
    assert _ask(stand_in)[0] == 200


def test_the_log_names_the_fault_and_the_status(stand_in: StandIn) -> None:
    stand_in.fault("status", status=500, times=1)
    _ask(stand_in)
    _ask(stand_in)
    logged = [(one["fault"], one["status"]) for one in stand_in.requests("status")]
    assert logged == [("status", 500), (None, 200)]


def test_an_unknown_kind_is_refused(stand_in: StandIn) -> None:
    with pytest.raises(StandInError, match="fault kind 'nonsense' is not one of"):
        stand_in.fault("nonsense")


def test_a_bad_pattern_is_refused(stand_in: StandIn) -> None:
    with pytest.raises(StandInError, match="path_regex"):
        stand_in.fault("reset", "(")
