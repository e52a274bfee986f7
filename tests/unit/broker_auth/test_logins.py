"""Every method logs in, once, and is told of as configured."""

from collections.abc import Callable

import pytest

from psi.shared.projection import Auth, Project, SecretSource, UniversalAuth
from psi.shared.secret import SecretBytes
from tests.fakes.cloud.google import service_account_key
from tests.fakes.cloud.keys import issuer
from tests.unit.broker_auth.scene import (
    ID,
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
from tests.unit.broker_infisical.setting import PROJECT_ID, run


def _universal() -> UniversalAuth:
    secret = SecretBytes(b"universal-secret")
    return UniversalAuth(client_id="all-methods", client_secret=secret)


METHODS: dict[str, Callable[[], Auth]] = {
    "universal-auth": _universal,
    "aws-iam": aws,
    "gcp": gcp,
    "gcp by key": lambda: gcp(service_account_key=given(service_account_key(issuer("robot")))),
    "azure": azure,
    "kubernetes": lambda: kubernetes(given(pod_jwt())),
    "oidc": lambda: oidc(given(host_jwt())),
    "jwt": lambda: signed(given(host_jwt())),
    "ldap": ldap,
}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_logs_in_once_and_reads(scene: Scene, name: str) -> None:
    assert scene.value(METHODS[name]()) == b"value"
    assert scene.logins() == 1


@pytest.mark.parametrize("name", METHODS)
def test_a_methods_login_is_told_of(scene: Scene, name: str) -> None:
    outcome = scene.outcome(METHODS[name]())
    assert (outcome.ok, outcome.detail, outcome.scope) == (True, "", "global")
    assert outcome.method == name.removesuffix(" by key")
    assert outcome.identity == ("all-methods" if name == "universal-auth" else ID)
    assert outcome.expires_at > scene.setting.clock.wall()


FILES: dict[str, tuple[Callable[[SecretSource], Auth], Callable[[], str]]] = {
    "kubernetes": (kubernetes, pod_jwt),
    "oidc": (oidc, host_jwt),
    "jwt": (signed, host_jwt),
}
SOURCES: dict[str, tuple[Callable[[SecretSource], Auth], Callable[[], str]]] = {
    **FILES,
    "ldap": (lambda source: ldap(password=source), lambda: PASSWORD),
    "gcp": (
        lambda source: gcp(service_account_key=source),
        lambda: service_account_key(issuer("robot")),
    ),
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_credential_of_systemd_logs_in(scene: Scene, name: str, end: bytes) -> None:
    make, secret = SOURCES[name]
    scene.credentials["it"] = secret().encode() + end
    assert scene.value(make(SecretSource(credential="it"))) == b"value"


@pytest.mark.parametrize("name", SOURCES)
def test_a_missing_credential_is_named_and_nothing_is_sent(scene: Scene, name: str) -> None:
    error = scene.failure(SOURCES[name][0](SecretSource(credential="it")))
    assert error.code == "refused"
    assert "credential it is not there" in str(error)
    assert scene.stand_in.requests() == []
    assert scene.setting.refusal_files() == []


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_anew_at_each_login(scene: Scene, name: str) -> None:
    make, jwt = FILES[name]
    path = scene.root / "token"
    auth = make(SecretSource(file=str(path)))
    path.write_text(jwt() + "\n")
    assert scene.outcome(auth).ok
    path.write_text(issuer("stranger").sign(sub="nobody"))
    assert "invalid signature" in scene.outcome(auth).detail
    path.write_text(jwt())
    assert scene.outcome(auth).ok
    assert scene.logins() == 3


def test_global_and_project_methods_stand_side_by_side(scene: Scene) -> None:
    def project(auth: Auth | None = None) -> Project:
        return Project(id=PROJECT_ID, environment="prod", auth=auth)

    projects = {"pods": project(kubernetes(given(pod_jwt()))), "people": project(ldap())}
    scene.provider_fields = {"projects": projects | {"plain": project()}}

    async def scenario() -> None:
        async with scene.setting.client(scene.provider(aws())) as client:
            for name in ("pods", "people", "plain"):
                value = await client.get_secret(name, None, "/app", "KEY")
                assert value.reveal() == b"value"
            states = [(one.scope, one.method, one.state) for one in client.identities()]
            assert states == [
                ("global", "aws-iam", "valid"),
                ("project:pods", "kubernetes", "valid"),
                ("project:people", "ldap", "valid"),
            ]

    run(scenario())
    paths = {entry["path"] for entry in scene.stand_in.requests("/login$")}
    names = {"aws-auth", "kubernetes-auth", "ldap-auth"}
    assert paths == {f"/api/v1/auth/{name}/login" for name in names}
