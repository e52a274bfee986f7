"""The life of tokens and credentials beyond the recordings."""

import base64
import json
from typing import Any

import pytest

from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import Seed
from tests.unit.fakes_infisical.api import ADMIN, LOGIN, SECRET, Api, simple_seed


def _claims(token: str) -> Any:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_a_stale_token_is_refused_even_at_login(api: Api) -> None:
    body = {"clientId": ADMIN, "clientSecret": SECRET}
    answer = api.http.post(LOGIN, json=body, headers={"authorization": "Bearer x"})
    assert (answer.status_code, answer.json()["error"]) == (403, "TokenError")


class TestShortTokens:
    @pytest.fixture
    def seed(self) -> Seed:
        seed = simple_seed()
        seed.identities[0].ttl, seed.identities[0].max_ttl = 20, 60
        return seed

    def test_renewal_is_clipped_at_the_maximum(self, api: Api, stand_in: StandIn) -> None:
        stand_in.control("POST", "clock", {"frozen": True})
        api.login()
        start, lives = _claims(api.token)["exp"] - 20, []
        for offset in (19, 38, 49, 58):
            stand_in.control("POST", "clock", {"offset": offset})
            answer = api.renew().json()
            api.token = answer["accessToken"]
            lives.append(answer["expiresIn"])
        assert lives == [20, 20, 11, 2]
        assert _claims(api.token)["exp"] == start + 60

    def test_an_expired_token_is_a_token_error(self, api: Api, stand_in: StandIn) -> None:
        assert api.get().status_code == 200
        stand_in.control("POST", "clock", {"offset": 21})
        assert (api.get().status_code, api.get().json()["error"]) == (403, "TokenError")
        assert api.renew().status_code == 403


class TestUseLimits:
    @pytest.fixture
    def seed(self) -> Seed:
        seed = simple_seed()
        seed.identities[0].uses_limit, seed.identities[0].token_uses_limit = 2, 3
        return seed

    def test_a_client_secret_is_used_up(self, api: Api) -> None:
        assert [api.login().status_code for _ in range(2)] == [200, 401]

    def test_a_token_is_used_up(self, api: Api) -> None:
        assert [api.get().status_code for _ in range(4)] == [200, 200, 200, 401]
        assert api.renew().status_code == 401


def _bad_login(api: Api) -> str:
    body = {"clientId": ADMIN, "clientSecret": "wrong"}
    return str(api.http.post(LOGIN, json=body).json()["message"])


def test_lockout_ends_after_five_minutes(api: Api, stand_in: StandIn) -> None:
    assert [_bad_login(api) for _ in range(3)] == ["Invalid credentials"] * 3
    assert "temporarily locked" in api.login().json()["message"]
    stand_in.control("POST", "clock", {"offset": 301})
    assert api.login().status_code == 200


def test_a_success_and_time_clear_the_lockout_counter(api: Api, stand_in: StandIn) -> None:
    for _ in range(2):
        _bad_login(api)
    assert api.login().status_code == 200
    for _ in range(2):
        _bad_login(api)
    stand_in.control("POST", "clock", {"offset": 31})
    _bad_login(api)
    assert api.login().status_code == 200


def test_revocation_by_control(api: Api, stand_in: StandIn) -> None:
    assert api.get().status_code == 200
    assert stand_in.control("POST", "revoke", {"client_id": ADMIN}) == {"revoked": 1}
    assert api.get().status_code == 401
    api.login()
    assert api.get().status_code == 200
    stand_in.control("POST", "revoke", {"jti": _claims(api.token)["jti"]})
    assert api.get().status_code == 401


def test_a_new_client_secret_ends_the_tokens_of_the_old(api: Api, stand_in: StandIn) -> None:
    stand_in.control("POST", "identity", {"client_id": ADMIN, "client_secret": "new"})
    assert api.get().status_code == 401
    assert api.login().json()["message"] == "Invalid credentials"
