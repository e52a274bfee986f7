"""``auth``: each method's fields, their variants, and who must have one."""

from pathlib import Path

import pytest

from psi.shared.projection import (
    Auth,
    AwsIamAuth,
    AzureAuth,
    GcpAuth,
    JwtAuth,
    KubernetesAuth,
    LdapAuth,
    OidcAuth,
    SecretSource,
    TlsCertAuth,
    TokenAuth,
    UniversalAuth,
)
from psi.shared.secret import SecretBytes
from tests.unit.config.conftest import Check, Read

METHODS: dict[str, tuple[str, Auth]] = {
    "aws-iam": ("identity_id: i", AwsIamAuth(identity_id="i")),
    "gcp": ("identity_id: i", GcpAuth(identity_id="i")),
    "azure": ("identity_id: i", AzureAuth(identity_id="i")),
    "kubernetes": ("identity_id: i", KubernetesAuth(identity_id="i")),
    "oidc": (
        "identity_id: i, jwt_file: /run/token",
        OidcAuth(identity_id="i", jwt=SecretSource(file="/run/token")),
    ),
    "jwt": (
        "identity_id: i, jwt_credential: token",
        JwtAuth(identity_id="i", jwt=SecretSource(credential="token")),
    ),
    "ldap": (
        "identity_id: i, username: u, password: p",
        LdapAuth(identity_id="i", username="u", password=SecretSource(value=SecretBytes(b"p"))),
    ),
    "tls-cert": (
        "identity_id: i, certificate_credential: c, private_key_credential: k",
        TlsCertAuth(
            identity_id="i",
            certificate=SecretSource(credential="c"),
            private_key=SecretSource(credential="k"),
        ),
    ),
    "token": (
        "token: eyJ0.e30.c2ln",
        TokenAuth(token=SecretSource(value=SecretBytes(b"eyJ0.e30.c2ln"))),
    ),
}
FIELDS = {method: fields for method, (fields, _) in METHODS.items()}


def _auth(fields: str) -> str:
    return f"providers: {{infisical: {{auth: {{{fields}}}}}}}\n"


@pytest.mark.parametrize("method", METHODS)
def test_a_method_is_read_and_nothing_is_noted(read: Read, notices: Check, method: str) -> None:
    fields, wanted = METHODS[method]
    text = _auth(f"method: {method}, {fields}")
    assert read(text).provider.infisical.auth == wanted
    assert notices(text) == []


@pytest.mark.parametrize("method", [*METHODS, "universal-auth"])
def test_a_method_without_its_fields_is_refused(errors: Check, method: str) -> None:
    assert any("is missing; add it" in told for told in errors(_auth(f"method: {method}")))


@pytest.mark.parametrize(("method", "fields"), FIELDS.items())
def test_a_field_of_another_method_is_refused(errors: Check, method: str, fields: str) -> None:
    (told,) = errors(_auth(f"method: {method}, {fields}, client_id: x"))
    assert told.startswith("1: providers.infisical.auth.client_id: unknown key")


def test_an_unknown_method_is_refused_once(errors: Check) -> None:
    assert errors(_auth("method: universal, client_id: x, client_secret: y")) == [
        "1: providers.infisical.auth.method: 'universal' is not known; did you mean universal-auth?"
    ]


def test_a_missing_method_is_refused(errors: Check) -> None:
    assert errors(_auth("client_id: x")) == [
        "1: providers.infisical.auth: method is missing; add it"
    ]


def test_a_secret_stands_in_the_file(read: Read) -> None:
    auth = read(_auth("method: universal-auth, client_id: 007, client_secret: 012")).provider
    wanted = UniversalAuth(client_id="007", client_secret=SecretBytes(b"012"))
    assert auth.infisical.auth == wanted


def test_a_secret_is_a_named_credential(read: Read) -> None:
    text = _auth("method: universal-auth, client_id: c, client_secret_credential: shop-secret")
    wanted = UniversalAuth(client_id="c", client_secret_credential="shop-secret")
    assert read(text).provider.infisical.auth == wanted


@pytest.mark.parametrize("name", ["../shadow", ".hidden", "a/b", "''"])
def test_a_credential_with_a_path_for_a_name_is_refused(errors: Check, name: str) -> None:
    text = _auth(f"method: universal-auth, client_id: c, client_secret_credential: {name}")
    assert len(errors(text)) == 1


def test_files_are_read_without_their_final_newline(read: Read, tmp_path: Path) -> None:
    (tmp_path / "id").write_text("machine\n")
    (tmp_path / "secret").write_bytes(b" sp ace \r\n")
    fields = f"client_id_file: {tmp_path}/id, client_secret_file: {tmp_path}/secret"
    auth = read(_auth(f"method: universal-auth, {fields}")).provider.infisical.auth
    assert auth == UniversalAuth(client_id="machine", client_secret=SecretBytes(b" sp ace "))


def test_a_file_that_is_not_there_is_an_error_of_its_line(errors: Check, tmp_path: Path) -> None:
    fields = f"client_id: c, client_secret_file: {tmp_path}/none"
    (told,) = errors(_auth(f"method: universal-auth, {fields}"))
    assert told.startswith("1: providers.infisical.auth.client_secret_file: cannot read")


@pytest.mark.parametrize("content", [b"", b"\n", b"a\0b", b"x" * 70_000])
def test_a_file_that_holds_no_credential_is_refused(
    errors: Check, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "secret").write_bytes(content)
    fields = f"client_id: c, client_secret_file: {tmp_path}/secret"
    assert len(errors(_auth(f"method: universal-auth, {fields}"))) == 1


def test_two_variants_of_a_field_are_refused(errors: Check) -> None:
    fields = "client_id: c, client_secret: s, client_secret_credential: n"
    assert errors(_auth(f"method: universal-auth, {fields}")) == [
        (
            "1: providers.infisical.auth: client_secret and client_secret_credential are given; "
            "keep one"
        )
    ]


def test_a_client_id_by_credential_says_what_to_do(errors: Check) -> None:
    fields = "client_id_credential: n, client_secret: s"
    (told,) = errors(_auth(f"method: universal-auth, {fields}"))
    assert told.endswith("give client_id or client_id_file")


def test_an_organization_slug_is_noted(notices: Check) -> None:
    fields = "method: universal-auth, client_id: c, client_secret: s, organization_slug: sub"
    assert "organization_slug is not served yet" in notices(_auth(fields))[0]


def test_a_project_without_auth_needs_a_global_one(errors: Check, valid: str) -> None:
    own = "        auth: {method: universal-auth, client_id: machine, client_secret: hunter2}\n"
    assert own in valid
    bare = valid.replace(own, "")
    assert errors(bare) == [
        (
            "6: providers.infisical.projects.shop: has no auth, and there is no global one; "
            "add auth here or above projects"
        )
    ]
    with_global = bare.replace("    projects:", own.removeprefix("    ") + "    projects:")
    assert errors(with_global) == []


def test_a_projects_own_auth_wins(read: Read, valid: str) -> None:
    other = "    auth: {method: universal-auth, client_id: global, client_secret: s}\n"
    config = read(valid.replace("    projects:", other + "    projects:"))
    auth = config.provider.infisical.projects["shop"].auth
    assert isinstance(auth, UniversalAuth)
    assert auth.client_id == "machine"
