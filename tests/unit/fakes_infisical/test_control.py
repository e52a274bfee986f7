"""What tests do to the stand-in: roles, hostile seeds, log, limits."""

import pytest

from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import Seed, raw
from tests.unit.fakes_infisical.api import ADMIN, LOGIN, PROJECT, Api, simple_seed


@pytest.mark.parametrize(
    ("role", "listed", "masked", "got", "written"),
    [
        ("admin", 200, 200, 200, 200),
        ("viewer", 200, 200, 200, 403),
        ("no-value", 403, 200, 403, 403),
        ("list-denied", 403, 403, 200, 403),
        ("none", 403, 403, 403, 403),
    ],
)
def test_roles(
    api: Api, stand_in: StandIn, role: str, listed: int, masked: int, got: int, written: int
) -> None:
    member = {"project": "myproject", "client_id": ADMIN, "role": role}
    stand_in.control("POST", "member", member)
    assert api.get().status_code == listed
    assert api.get(viewSecretValue="false").status_code == masked
    assert api.get("/KEY").status_code == got
    assert api.send("PATCH", "/KEY", secretValue="x").status_code == written


class TestHostileSeed:
    @pytest.fixture
    def seed(self) -> Seed:
        seed = simple_seed()
        for key, value in [("X\nPodmanArgs=--privileged", "  v  "), ("NUL", raw(b"a\0b\r\n"))]:
            seed.projects[0].secret("prod", "/myapp", key, value)
        seed.projects[0].secret("prod", "/bytes", "RAW", raw(b"\xff\xfe"))
        return seed

    def test_keys_and_values_come_past_the_rules(self, api: Api) -> None:
        values = api.values()
        assert values["X\nPodmanArgs=--privileged"] == "  v  "
        assert values["NUL"] == "a\0b\r\n"

    def test_bytes_that_are_no_utf8_are_sent_as_they_are(self, api: Api) -> None:
        assert b'"secretValue":"\xff\xfe"' in api.get(secretPath="/bytes").content


def test_the_log_tells_who_asked_for_what(api: Api, stand_in: StandIn) -> None:
    api.get("/KEY")
    login, get = stand_in.requests()
    assert (login["route"], login["client_id"]) == (f"POST {LOGIN}", ADMIN)
    assert (get["path"], get["status"], get["client_id"]) == ("/api/v4/secrets/KEY", 200, ADMIN)
    assert get["query"]["projectId"] == PROJECT
    assert stand_in.count("secrets", "GET") == 1
    assert stand_in.control("GET", "counters")["counters"][get["route"]] == 1
    stand_in.clear_requests()
    assert stand_in.count() == 0


def test_rate_limits_by_control(api: Api, stand_in: StandIn) -> None:
    stand_in.control("POST", "ratelimit", {"enabled": True, "secrets": 2})
    assert [api.get().status_code for _ in range(3)] == [200, 200, 429]
    assert "retry-after" in api.get().headers
    stand_in.control("POST", "clock", {"offset": 61})
    assert api.get().status_code == 200
    stand_in.control("POST", "ratelimit", {"enabled": False})
    assert "x-ratelimit-limit" not in api.get().headers


def test_a_folder_can_be_deleted_by_control(api: Api, stand_in: StandIn) -> None:
    folder = {"project": "myproject", "environment": "prod", "path": "/myapp"}
    assert stand_in.control("DELETE", "folder", folder) == {"deleted": 1}
    assert api.get().json()["error"] == "SecretPathNotFound"
