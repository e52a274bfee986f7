"""Rules of Infisical that no recording shows, as seen on a real server."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import Seed, raw
from tests.unit.fakes_infisical.api import ADMIN, LOGIN, PROJECT, SECRET, Api, simple_seed


@pytest.fixture
def seed() -> Seed:
    return simple_seed()


@pytest.fixture
def stand_in(seed: Seed) -> Iterator[StandIn]:
    with StandIn(seed) as running:
        yield running


@pytest.fixture
def api(stand_in: StandIn) -> Iterator[Api]:
    with Api(stand_in) as client:
        yield client


def _claims(token: str) -> Any:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("  padded  ", "padded"),
        ("two\n\n", "two\n"),
        ("\n", "\n"),
        ("a\r\n", "a\n"),
        ("\x1c", "\x1c"),
        ("\ufeffbom", "bom"),
        ("in ner", "in ner"),
    ],
)
def test_values_are_trimmed_but_for_one_newline(api: Api, sent: str, kept: str) -> None:
    assert api.send("POST", "/NEW", secretValue=sent).status_code == 200
    assert api.values()["NEW"] == kept


@pytest.mark.parametrize("name", ["a%2Fb", "a%3Ab", "%20"])
def test_bad_names_are_refused_with_422(api: Api, name: str) -> None:
    answer = api.send("POST", f"/{name}", secretValue="v")
    assert (answer.status_code, answer.json()["error"]) == (422, "ValidationFailure")


def test_a_name_of_100_characters_is_found_and_one_of_101_is_no_route(api: Api) -> None:
    secrets = [{"secretKey": "K" * size, "secretValue": "v"} for size in (100, 101)]
    assert api.send("POST", "/batch", secrets=secrets).status_code == 200
    assert api.get("/" + "K" * 100).status_code == 200
    refused = api.get("/" + "K" * 101)
    assert (refused.status_code, "reqId" in refused.json()) == (404, False)


def test_a_body_over_one_mebibyte_is_500_and_closes(api: Api) -> None:
    answer = api.send("POST", "/BIG", secretValue="x" * 1_048_576)
    assert (answer.status_code, answer.json()["message"]) == (500, "Something went wrong")
    assert answer.headers["connection"] == "close"


def test_a_value_of_900_kibibytes_is_fine(api: Api) -> None:
    assert api.send("POST", "/BIG", secretValue="x" * 921_600).status_code == 200
    assert len(api.values()["BIG"]) == 921_600


def test_an_empty_json_body_is_500(api: Api) -> None:
    answer = api.http.post(LOGIN, content=b"", headers={"content-type": "application/json"})
    assert answer.status_code == 500


def test_no_body_at_all_is_422(api: Api) -> None:
    answer = api.http.post(LOGIN)
    assert answer.status_code == 422
    assert answer.json()["message"][0]["received"] == "null"


def test_a_stale_token_is_refused_even_at_login(api: Api) -> None:
    body = {"clientId": ADMIN, "clientSecret": SECRET}
    answer = api.http.post(LOGIN, json=body, headers={"authorization": "Bearer x"})
    assert (answer.status_code, answer.json()["error"]) == (403, "TokenError")


def test_patch_answers_empty_for_what_was_not_sent_and_keeps_it(api: Api) -> None:
    answer = api.send("PATCH", "/KEY", secretComment="note").json()["secret"]
    assert (answer["secretValue"], answer["version"]) == ("", 2)
    assert api.values()["KEY"] == "value"


def test_batch_modes(api: Api) -> None:
    new = [{"secretKey": "NEW", "secretValue": "n"}]
    assert api.send("PATCH", "/batch", secrets=new).status_code == 404
    assert api.send("PATCH", "/batch", secrets=new, mode="ignore").json() == {"secrets": []}
    made = api.send("PATCH", "/batch", secrets=new, mode="upsert").json()["secrets"]
    assert [one["version"] for one in made] == [1]


def test_batch_delete(api: Api) -> None:
    assert api.send("DELETE", "/batch", secrets=[{"secretKey": "NOPE"}]).status_code == 404
    gone = api.send("DELETE", "/batch", secrets=[{"secretKey": "KEY"}]).json()["secrets"]
    assert [one["secretKey"] for one in gone] == ["KEY"]
    assert api.values() == {}


def test_masked_values(api: Api) -> None:
    shown = api.get(viewSecretValue="false").json()["secrets"][0]
    assert (shown["secretValue"], shown["secretValueHidden"]) == ("<hidden-by-infisical>", True)
    assert api.get("/KEY", viewSecretValue="false").json()["secret"]["secretValueHidden"] is True


def test_a_weak_if_none_match_works_and_lists_do_not(api: Api) -> None:
    etag = api.get().headers["etag"]
    assert api.get(headers={"if-none-match": f"W/{etag}"}).status_code == 304
    assert api.get(headers={"if-none-match": f'{etag}, "x"'}).status_code == 200
    assert api.get(headers={"if-none-match": "*"}).status_code == 200


def test_the_etag_changes_with_a_value(api: Api, stand_in: StandIn) -> None:
    etag = api.get().headers["etag"]
    stand_in.set_secret("myproject", "prod", "/myapp", "KEY", "other")
    answer = api.get(headers={"if-none-match": etag})
    assert (answer.status_code, answer.headers["etag"] == etag) == (200, False)


class TestReferences:
    @pytest.fixture
    def seed(self) -> Seed:
        seed = simple_seed()
        project = seed.projects[0]
        project.secrets_at("prod", "/myapp", REF="${KEY}+${prod.base.B}", BAD="<${NOPE}>")
        project.secrets_at("prod", "/myapp", LOOP="${LOOP}")
        project.secrets_at("prod", "/base", B="b", BAD="<${NOPE}>", KEY="base", LOCAL="${B}")
        project.secrets_at("prod", "/more", KEY="more")
        for origin in ("/base", "/more"):
            project.imports_from("prod", "/myapp", "prod", origin)
            project.imports_from("prod", "/empty", "prod", origin)
        return seed

    def test_they_are_expanded_and_lead_to_nothing_silently(self, api: Api) -> None:
        values = api.values()
        assert (values["REF"], values["BAD"], values["LOOP"]) == ("value+b", "<>", "")

    def test_they_stay_when_expansion_is_refused(self, api: Api) -> None:
        assert api.values(expandSecretReferences="false")["REF"] == "${KEY}+${prod.base.B}"

    def test_imports_are_expanded_always_and_stay_literal_when_unresolvable(self, api: Api) -> None:
        first = api.get(expandSecretReferences="false").json()["imports"][0]
        values = {one["secretKey"]: one["secretValue"] for one in first["secrets"]}
        assert (values["LOCAL"], values["BAD"]) == ("b", "<${NOPE}>")

    def test_of_two_imports_the_last_wins(self, api: Api) -> None:
        one = api.get("/KEY", secretPath="/empty").json()["secret"]
        assert (one["secretValue"], one["secretPath"]) == ("more", "/more")

    def test_no_import_without_the_flag(self, api: Api) -> None:
        assert api.get("/KEY", secretPath="/empty", includeImports="false").status_code == 404


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
