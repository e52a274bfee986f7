"""A token that was made elsewhere: used, renewed, and never ended by us."""

import httpx
import pytest

from psi.broker.infisical.outcome import Kind
from psi.shared.projection import SecretSource, TokenAuth
from tests.fakes.infisical import jwt
from tests.unit.broker_auth.scene import ID, Scene, given
from tests.unit.broker_infisical.setting import REVOKE, get_key, run


def made(scene: Scene) -> str:
    """Return a token that an administrator made."""
    body = {"clientId": "all-methods", "clientSecret": "universal-secret"}
    url = f"{scene.stand_in.url}/api/v1/auth/universal-auth/login"
    token = str(httpx.post(url, json=body, trust_env=False).json()["accessToken"])
    scene.stand_in.clear_requests()
    return token


def auth(token: str) -> TokenAuth:
    return TokenAuth(token=given(token))


def test_a_token_is_used_without_a_login(scene: Scene) -> None:
    assert scene.value(auth(made(scene))) == b"value"
    assert scene.stand_in.requests("/login$") == []


def test_a_token_may_be_a_credential(scene: Scene) -> None:
    scene.credentials["it"] = made(scene).encode() + b"\n"
    outcome = scene.outcome(TokenAuth(token=SecretSource(credential="it")))
    assert (outcome.ok, outcome.method, outcome.identity) == (True, "token", ID)


def test_the_end_that_is_told_is_the_tokens_own(scene: Scene) -> None:
    token = made(scene)
    end = jwt.verify(token, 0)["exp"]
    scene.setting.clock.advance(0)
    assert abs(scene.outcome(auth(token)).expires_at - end) < 30


def test_a_token_is_never_revoked(scene: Scene) -> None:
    token = auth(made(scene))

    async def scenario() -> None:
        async with scene.setting.client(scene.provider(token)) as client:
            for _ in range(3):
                (outcome,) = await client.test_logins(retry=False)
                assert outcome.ok
            assert await get_key(client) == b"value"

    run(scenario())
    assert scene.stand_in.count(REVOKE) == 0
    assert scene.value(token) == b"value"


def test_a_token_is_renewed_and_the_one_given_stays_good(scene: Scene) -> None:
    token = auth(made(scene))

    async def scenario() -> None:
        async with scene.setting.client(scene.provider(token)) as client:
            await get_key(client)
            scene.setting.clock.advance(301)
            assert await get_key(client) == b"value"

    run(scenario())
    assert scene.stand_in.count("/token/renew$") == 1
    assert scene.value(token) == b"value"


def test_a_revoked_token_is_refused_once_until_another_is_given(scene: Scene) -> None:
    token = made(scene)
    scene.stand_in.control("POST", "revoke", {"client_id": "all-methods"})
    for _ in range(3):
        error = scene.failure(auth(token))
        assert error.kind is Kind.REFUSED
        assert "token has been revoked" in str(error)
        assert "until the credential changes" in str(error)
        assert token not in str(error)
    assert scene.stand_in.count() == 1
    assert scene.value(auth(made(scene))) == b"value"


def test_an_expired_token_is_refused_in_the_servers_words(scene: Scene) -> None:
    claims = jwt.verify(made(scene), 0)
    error = scene.failure(auth(jwt.sign(claims | {"exp": claims["iat"] - 1})))
    assert "Your token has expired" in str(error)


@pytest.mark.parametrize("token", ["st.0123.abcd", "two words", "a\nb", "x" * 8193])
def test_what_is_no_access_token_is_told_and_nothing_is_sent(scene: Scene, token: str) -> None:
    error = scene.failure(auth(token))
    assert "token is " in str(error)
    assert token not in str(error)
    assert scene.stand_in.requests() == []
    assert scene.setting.refusal_files() == []


def test_an_older_server_without_the_route_says_nothing_about_the_token(scene: Scene) -> None:
    token = made(scene)
    scene.stand_in.fault("foreign_404", "/api/v1/projects$")
    assert scene.value(auth(token)) == b"value"


def test_a_page_in_the_servers_place_is_no_welcome(scene: Scene) -> None:
    token = made(scene)
    scene.stand_in.fault("html_200", "/api/v1/projects$")
    assert scene.failure(auth(token)).kind is Kind.FOREIGN


def test_a_token_without_claims_is_named_by_its_hash(scene: Scene) -> None:
    outcome = scene.outcome(auth("opaque"))
    assert not outcome.ok
    assert len(outcome.identity) == 12
    assert "opaque" not in outcome.identity


def test_a_missing_credential_has_no_identity(scene: Scene) -> None:
    outcome = scene.outcome(TokenAuth(token=SecretSource(credential="none")))
    assert (outcome.ok, outcome.identity) == (False, "")
    assert "credential none is not there" in outcome.detail
