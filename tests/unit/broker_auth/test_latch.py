"""What each method's latch depends on: the credential, where it stays the same."""

from collections.abc import Callable

import pytest

from psi.shared.projection import Auth, SecretSource
from tests.fakes.cloud.google import service_account_key
from tests.fakes.cloud.keys import issuer
from tests.unit.broker_auth.scene import (
    PASSWORD,
    Scene,
    aws,
    azure,
    gcp,
    given,
    host_jwt,
    kubernetes,
    ldap,
    oidc,
    pod_jwt,
    signed,
)

Make = Callable[[SecretSource], Auth]
STORED: dict[str, tuple[Make, Callable[[], str], Callable[[], str]]] = {
    "kubernetes": (kubernetes, lambda: pod_jwt(sub="system:serviceaccount:x:y"), pod_jwt),
    "oidc": (oidc, lambda: issuer("stranger").sign(), host_jwt),
    "jwt": (signed, lambda: issuer("stranger").sign(), host_jwt),
}


@pytest.mark.parametrize("name", STORED)
def test_a_refused_file_is_tried_once_and_a_rotated_one_at_once(scene: Scene, name: str) -> None:
    make, wrong, right = STORED[name]
    path = scene.root / "token"
    auth = make(SecretSource(file=str(path)))
    path.write_text(wrong())
    for _ in range(3):
        assert "not tried again until the credential changes" in scene.outcome(auth).detail
    assert scene.logins() == 1
    path.write_text(right())
    assert scene.value(auth) == b"value"
    assert scene.setting.refusal_files() == []


def test_a_refused_password_is_tried_once_until_it_or_the_user_changes(scene: Scene) -> None:
    for _ in range(4):
        scene.failure(ldap(password=given("wrong")))
    assert scene.logins() == 1
    scene.failure(ldap(username="other", password=given("wrong")))
    assert scene.logins() == 2
    assert scene.value(ldap(password=given(PASSWORD))) == b"value"


def test_a_locked_identity_is_waited_out(scene: Scene) -> None:
    for index in range(3):
        scene.failure(ldap(password=given(f"wrong-{index}")))
    assert "temporarily locked" in str(scene.failure(ldap()))
    scene.failure(ldap())
    assert scene.logins() == 4
    scene.stand_in.control("POST", "identity", {"client_id": "all-methods", "unlock": True})
    scene.setting.clock.advance(301)
    assert scene.value(ldap()) == b"value"


MINTED: dict[str, tuple[str, str, Callable[[], Auth]]] = {
    "aws-iam": ("aws-auth", "accounts", aws),
    "gcp": ("gcp-auth", "service_accounts", gcp),
    "azure": ("azure-auth", "service_principals", azure),
}


@pytest.mark.parametrize("name", MINTED)
def test_a_refused_platform_identity_is_held_and_then_tried_again(scene: Scene, name: str) -> None:
    """Its proof is minted anew each time, so nothing here could tell that it had changed."""
    method, field, make = MINTED[name]
    scene.configure(method, **{field: ["another"]})
    for _ in range(3):
        assert "not tried again within 300 s" in scene.outcome(make()).detail
    assert scene.logins() == 1
    scene.configure(method)
    scene.failure(make())
    assert scene.logins() == 1
    assert scene.outcome(make(), retry=True).ok
    assert scene.logins() == 2


@pytest.mark.parametrize("name", MINTED)
def test_a_held_platform_identity_needs_no_person(scene: Scene, name: str) -> None:
    method, field, make = MINTED[name]
    scene.configure(method, **{field: ["another"]})
    scene.failure(make())
    scene.configure(method)
    scene.setting.clock.advance(301)
    assert scene.value(make()) == b"value"


def test_a_refused_service_account_key_waits_for_another(scene: Scene) -> None:
    key = service_account_key(issuer("robot"))
    scene.configure("gcp-auth", service_accounts=["another"])
    auth = gcp(service_account_key=given(key))
    for _ in range(2):
        assert "until the credential changes" in scene.outcome(auth).detail
    assert scene.logins() == 1
    scene.configure("gcp-auth")
    changed = service_account_key(issuer("robot"), private_key_id="4567")
    assert scene.value(gcp(service_account_key=given(changed))) == b"value"


def test_fixed_keys_of_the_environment_wait_for_others(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAEXAMPLEKEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws-secret-key-of-these-tests")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "aws-session-token-of-these-tests")
    scene.configure("aws-auth", accounts=["another"])
    for _ in range(2):
        assert "until the credential changes" in scene.outcome(aws()).detail
    assert scene.logins() == 1
    assert scene.cloud.paths("aws_instance").count(("PUT", "/latest/api/token")) == 1
    monkeypatch.setenv("AWS_SESSION_TOKEN", "another")
    scene.outcome(aws())
    assert scene.logins() == 2
