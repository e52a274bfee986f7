"""Google and Azure: what is asked of their servers, and what is not believed."""

import json

import pytest

from psi.broker.infisical.auth.surroundings import load_surroundings
from psi.broker.infisical.outcome import Kind
from tests.fakes.cloud.azure import AzureInstance
from tests.fakes.cloud.google import EMAIL, GoogleTokens, service_account_key
from tests.fakes.cloud.keys import issuer
from tests.fakes.cloud.server import Outgoing
from tests.unit.broker_auth.scene import ID, Scene, azure, gcp, given


def by_key(**changes: str) -> str:
    return service_account_key(issuer("robot"), **changes)


def test_the_instances_token_is_for_this_identity(scene: Scene) -> None:
    assert scene.value(gcp()) == b"value"
    (request,) = scene.cloud.seen
    assert request.query == {"audience": [ID], "format": ["full"]}


def test_a_server_that_is_not_googles_is_not_believed(scene: Scene) -> None:
    scene.cloud.overrides["google_instance"] = Outgoing(200, b"a.b.c")
    assert "is not Google's" in str(scene.failure(gcp()))
    assert scene.logins() == 0


@pytest.mark.parametrize("body", [b"", b"\n", b"\xff"])
def test_what_is_no_identity_token_is_told(scene: Scene, body: bytes) -> None:
    flavor = {"Metadata-Flavor": "Google"}
    scene.cloud.overrides["google_instance"] = Outgoing(200, body, flavor)
    assert "gives no token" in str(scene.failure(gcp()))


def test_a_key_buys_a_token_and_has_a_jwt_signed_that_ends_soon(scene: Scene) -> None:
    assert scene.value(gcp(service_account_key=given(by_key()))) == b"value"
    paths = [(one.part, one.path) for one in scene.cloud.seen]
    signing = f"/v1/projects/-/serviceAccounts/{EMAIL}:signJwt"
    assert paths == [("google_tokens", "/token"), ("google_iam", signing)]
    payload = json.loads(json.loads(scene.cloud.seen[1].body)["payload"])
    assert (payload["sub"], payload["aud"]) == (EMAIL, ID)
    assert 0 < payload["exp"] - scene.setting.clock.wall() <= 330


def test_the_keys_own_token_address_is_not_asked(scene: Scene) -> None:
    key = by_key(token_uri=scene.cloud.url("evil/token"))
    assert scene.value(gcp(service_account_key=given(key))) == b"value"
    assert {one.part for one in scene.cloud.seen} == {"google_tokens", "google_iam"}


def test_a_key_that_google_does_not_know_is_told_and_not_latched(scene: Scene) -> None:
    scene.cloud.parts["google_tokens"] = GoogleTokens(issuer("another"))
    error = scene.failure(gcp(service_account_key=given(by_key())))
    assert error.kind is Kind.TRANSPORT
    assert "Google's token server answers 400; check that the key exists" in str(error)
    assert scene.setting.refusal_files() == []


def test_an_account_that_may_not_sign_is_told(scene: Scene) -> None:
    scene.cloud.overrides["google_iam"] = Outgoing.json({"error": {}}, 403)
    error = scene.failure(gcp(service_account_key=given(by_key())))
    assert "Service Account Token Creator" in str(error)


@pytest.mark.parametrize("part", ["google_tokens", "google_iam"])
@pytest.mark.parametrize("body", [b"{}", b"<html>"])
def test_what_is_no_answer_of_google_is_told(scene: Scene, part: str, body: bytes) -> None:
    scene.cloud.overrides[part] = Outgoing(200, body)
    error = scene.failure(gcp(service_account_key=given(by_key())))
    assert "gives no" in str(error)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("{}", "is no JSON key"),
        ("[", "is no JSON key"),
        (by_key(type="authorized_user"), "is no JSON key"),
        (by_key(client_email="x/../y@z"), "has no client_email"),
        (by_key(private_key="canary"), "has no readable private_key"),
    ],
    ids=["empty", "no JSON", "type", "email", "key"],
)
def test_what_is_no_key_is_told_and_asked_nothing(scene: Scene, key: str, words: str) -> None:
    error = scene.failure(gcp(service_account_key=given(key)))
    assert error.code == "refused"
    assert words in str(error)
    assert "canary" not in str(error)
    assert scene.cloud.seen == []
    assert scene.setting.refusal_files() == []


def test_googles_public_servers_are_reached_by_the_providers_proxy(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only those: the metadata server is always asked directly."""
    monkeypatch.setenv("PSI_DEV_ROOT", str(scene.root))
    assert load_surroundings("http://127.0.0.1:9").proxy == "http://127.0.0.1:9"
    scene.provider_fields = {"proxy": "http://127.0.0.1:9"}
    error = scene.failure(gcp(service_account_key=given(by_key())))
    assert str(error).startswith("Google's token server cannot be asked")
    assert scene.cloud.seen == []
    scene.failure(gcp())
    assert scene.cloud.paths("google_instance") != []


def test_azure_is_asked_for_the_audience(scene: Scene) -> None:
    assert scene.value(azure()) == b"value"
    (request,) = scene.cloud.seen
    assert request.headers["metadata"] == "true"
    wanted = {"api-version": ["2018-02-01"], "resource": ["https://management.azure.com/"]}
    assert request.query == wanted


def test_one_of_several_managed_identities_is_named(scene: Scene) -> None:
    several = {"client-1": "principal-1", "client-2": "principal-2"}
    scene.cloud.parts["azure_instance"] = AzureInstance(issuer("azure"), several)
    assert "set auth.managed_identity if there are several" in str(scene.failure(azure()))
    assert scene.value(azure(managed_identity="client-1")) == b"value"


@pytest.mark.parametrize("body", [b"{}", b"<html>"])
def test_what_is_no_answer_of_azure_is_told(scene: Scene, body: bytes) -> None:
    scene.cloud.overrides["azure_instance"] = Outgoing(200, body)
    assert "gives no token" in str(scene.failure(azure()))
