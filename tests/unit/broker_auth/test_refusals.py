"""Each wrong field is refused with the server's own words, and what follows from it."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from psi.broker.infisical.outcome import Kind
from psi.shared.projection import Auth
from tests.fakes.cloud.aws import AwsKeys, Ec2
from tests.fakes.cloud.google import EMAIL, service_account_key
from tests.fakes.cloud.keys import issuer
from tests.fakes.cloud.server import Outgoing
from tests.unit.broker_auth.scene import (
    KEYS,
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
    principal,
    signed,
)

OTHER = "00000000-0000-4000-8000-00000000dead"
UNKNOWN: dict[str, tuple[str, Callable[[], Auth]]] = {
    "aws-iam": ("AWS", lambda: aws(identity_id=OTHER)),
    "gcp": ("GCP", lambda: gcp(identity_id=OTHER)),
    "azure": ("Azure", lambda: azure(identity_id=OTHER)),
    "kubernetes": ("Kubernetes", lambda: kubernetes(given(pod_jwt()), identity_id=OTHER)),
    "oidc": ("OIDC", lambda: oidc(given(host_jwt()), identity_id=OTHER)),
    "jwt": ("JWT", lambda: signed(given(host_jwt()), identity_id=OTHER)),
    "ldap": ("LDAP", lambda: ldap(identity_id=OTHER)),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_identity_without_the_method_is_a_404_that_is_held_for_a_while(
    scene: Scene, name: str
) -> None:
    shown, make = UNKNOWN[name]
    error = scene.failure(make())
    assert error.kind is Kind.REFUSED
    assert f"{shown} auth method not found for identity" in str(error)
    assert "not tried again within 300 s" in str(error)


REFUSED: dict[str, tuple[str, dict[str, Any], Callable[[], Auth], str]] = {
    "aws account": ("aws-auth", {"accounts": ["1"]}, aws, "AWS account ID not allowed"),
    "aws arn": ("aws-auth", {"arns": ["arn:x"]}, aws, "AWS principal ARN not allowed"),
    "gcp account": ("gcp-auth", {"service_accounts": ["x"]}, gcp, "GCP service account not"),
    "gcp key": (
        "gcp-auth", {"service_accounts": ["x"]},
        lambda: gcp(service_account_key=given(service_account_key(issuer("robot")))),
        "GCP service account not",
    ),
    "azure audience": ("azure-auth", {}, lambda: azure(resource="api://x"), "Azure audience not"),
    "azure tenant": ("azure-auth", {"tenant": "x"}, azure, "Azure tenant not allowed"),
    "azure principal": ("azure-auth", {"service_principals": ["x"]}, azure, "principal not"),
    "namespace": (
        "kubernetes-auth", {},
        lambda: kubernetes(given(pod_jwt(sub="system:serviceaccount:other:web"))),
        "Kubernetes namespace not allowed",
    ),
    "account": (
        "kubernetes-auth", {},
        lambda: kubernetes(given(pod_jwt(sub="system:serviceaccount:apps:other"))),
        "service account name not allowed",
    ),
    "expired": ("kubernetes-auth", {}, lambda: kubernetes(given(pod_jwt(life=-1))), "jwt expired"),
    "malformed": ("kubernetes-auth", {}, lambda: kubernetes(given("no-jwt")), "jwt malformed"),
    "issuer": ("oidc-auth", {}, lambda: oidc(given(host_jwt(iss="x"))), "OIDC issuer not allowed"),
    "audience": ("oidc-auth", {}, lambda: oidc(given(host_jwt(aud="x"))), "OIDC audience not"),
    "subject": ("oidc-auth", {}, lambda: oidc(given(host_jwt(sub="x"))), "OIDC subject not"),
    "signature": (
        "jwt-auth", {},
        lambda: signed(given(issuer("stranger").sign(sub="host-1"))),
        "invalid signature",
    ),
    "jwt subject": ("jwt-auth", {}, lambda: signed(given(host_jwt(sub="x"))), "JWT subject not"),
    "password": ("ldap-auth", {}, lambda: ldap(password=given("wrong")), "Invalid credentials"),
    "user": ("ldap-auth", {}, lambda: ldap(username="nobody"), "Invalid credentials"),
}  # fmt: skip  # a table


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_field_is_told_in_the_servers_words(scene: Scene, name: str) -> None:
    method, fields, make, words = REFUSED[name]
    scene.configure(method, **fields)
    error = scene.failure(make())
    assert error.kind is Kind.REFUSED
    assert words in str(error)
    assert scene.logins() == 1
    assert scene.stand_in.count("/api/v4") == 0


def test_a_signature_that_sts_refuses_is_the_servers_fault_and_tried_again(scene: Scene) -> None:
    wrong = AwsKeys(KEYS.access_key, "another-secret", KEYS.session_token)
    scene.cloud.parts["aws_instance"] = Ec2(wrong)
    error = scene.failure(aws())
    assert (error.kind, error.status) == (Kind.TRANSPORT, 500)
    scene.cloud.parts["aws_instance"] = Ec2(KEYS)
    assert scene.value(aws()) == b"value"


def test_another_session_token_is_refused_by_sts(scene: Scene) -> None:
    other = principal() | {"session_token": "another"}
    scene.configure("aws-auth", principals={KEYS.access_key: other})
    assert scene.failure(aws()).status == 500


def test_a_google_token_for_another_audience_is_refused(scene: Scene) -> None:
    token = issuer("google").sign(aud="another", email=EMAIL)
    flavor = {"Metadata-Flavor": "Google"}
    scene.cloud.overrides["google_instance"] = Outgoing(200, token.encode(), flavor)
    assert "GCP audience not allowed" in str(scene.failure(gcp()))


FIELDS = {
    "aws-auth": ["iamHttpRequestMethod", "iamRequestBody", "iamRequestHeaders"],
    "gcp-auth": ["jwt"],
    "azure-auth": ["jwt"],
    "kubernetes-auth": ["jwt"],
    "oidc-auth": ["jwt"],
    "jwt-auth": ["jwt"],
    "ldap-auth": ["username", "password"],
    "tls-cert-auth": [],
}


@pytest.mark.parametrize("method", FIELDS)
def test_the_stand_in_wants_every_field_of_a_method(scene: Scene, method: str) -> None:
    url = f"{scene.stand_in.url}/api/v1/auth/{method}/login"
    answer = httpx.post(url, json={}, trust_env=False)
    assert answer.status_code == 422
    missing = [issue["path"][0] for issue in answer.json()["message"]]
    assert missing == ["identityId", *FIELDS[method]]
