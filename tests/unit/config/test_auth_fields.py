"""The fields of each method: what they take, where they come from, what is refused at once."""

import json
from pathlib import Path

import pytest

from psi.shared.projection import (
    AwsIamAuth,
    AzureAuth,
    GcpAuth,
    KubernetesAuth,
    LdapAuth,
    OidcAuth,
    SecretSource,
    TlsCertAuth,
    TokenAuth,
)
from psi.shared.secret import SecretBytes
from psictl.config.projection import broker_projection, credentials
from tests.fakes.cloud.certificates import client_pair
from tests.unit.config.conftest import Check, Load, Read

KEY = {"type": "service_account", "client_email": "a@b.c", "private_key": "-----BEGIN PRIVATE KEY-----"}  # fmt: skip  # noqa: E501
PLACE = "1: providers.infisical.auth"


def _auth(fields: str) -> str:
    return f"providers: {{infisical: {{auth: {{{fields}}}}}}}\n"


def _file(folder: Path, name: str, content: str) -> Path:
    (folder / name).write_text(content)
    return folder / name


def test_a_region_is_taken(read: Read) -> None:
    auth = read(_auth("method: aws-iam, identity_id: i, region: eu-central-1"))
    assert auth.provider.infisical.auth == AwsIamAuth(identity_id="i", region="eu-central-1")


@pytest.mark.parametrize("region", ["eu_central", "EU-CENTRAL-1", "a" * 21, "x.evil.example"])
def test_what_is_no_region_is_refused(errors: Check, region: str) -> None:
    (told,) = errors(_auth(f"method: aws-iam, identity_id: i, region: {region}"))
    assert told == f"{PLACE}.region: is no AWS region; write it as eu-central-1"


def test_azure_takes_an_audience_and_one_of_several_identities(read: Read) -> None:
    fields = "method: azure, identity_id: i, resource: api://x, managed_identity: m"
    wanted = AzureAuth(identity_id="i", resource="api://x", managed_identity="m")
    assert read(_auth(fields)).provider.infisical.auth == wanted


def test_a_service_account_key_is_embedded(read: Read, tmp_path: Path) -> None:
    path = _file(tmp_path, "key.json", json.dumps(KEY) + "\n")
    auth = read(_auth(f"method: gcp, identity_id: i, service_account_key_file: {path}"))
    source = SecretSource(value=SecretBytes(json.dumps(KEY).encode()))
    assert auth.provider.infisical.auth == GcpAuth(identity_id="i", service_account_key=source)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[1]",
        json.dumps(KEY | {"type": "authorized_user"}),
        json.dumps(KEY | {"client_email": "x"}),
        json.dumps(KEY | {"private_key": "x"}),
    ],
)
def test_what_is_no_service_account_key_is_refused(
    errors: Check, tmp_path: Path, content: str
) -> None:
    path = _file(tmp_path, "key.json", content)
    (told,) = errors(_auth(f"method: gcp, identity_id: i, service_account_key_file: {path}"))
    assert told.startswith(f"{PLACE}.service_account_key_file: ")


def test_a_jwt_file_stays_a_path_and_need_not_be_there_yet(read: Read, notices: Check) -> None:
    text = _auth("method: kubernetes, identity_id: i, jwt_file: /run/secrets/token")
    wanted = KubernetesAuth(identity_id="i", jwt=SecretSource(file="/run/secrets/token"))
    assert read(text).provider.infisical.auth == wanted
    assert notices(text) == []


def test_kubernetes_has_a_usual_place(read: Read) -> None:
    auth = read(_auth("method: kubernetes, identity_id: i")).provider.infisical.auth
    assert isinstance(auth, KubernetesAuth)
    assert auth.jwt.file == "/run/secrets/kubernetes.io/serviceaccount/token"


@pytest.mark.parametrize("path", ["token", "/run/../etc/token", "/run/"])
def test_a_jwt_file_without_an_absolute_path_is_refused(errors: Check, path: str) -> None:
    (told,) = errors(_auth(f"method: jwt, identity_id: i, jwt_file: {path}"))
    assert told.startswith(f"{PLACE}.jwt_file: ")


def test_a_jwt_may_stand_in_the_file(read: Read) -> None:
    auth = read(_auth("method: oidc, identity_id: i, jwt: a.b.c")).provider.infisical.auth
    assert auth == OidcAuth(identity_id="i", jwt=SecretSource(value=SecretBytes(b"a.b.c")))


def test_names_come_from_files_and_secrets_from_credentials(read: Read, tmp_path: Path) -> None:
    who, user = _file(tmp_path, "id", "i\n"), _file(tmp_path, "user", "u\n")
    fields = f"identity_id_file: {who}, username_file: {user}, password_credential: p"
    auth = read(_auth(f"method: ldap, {fields}")).provider.infisical.auth
    wanted = LdapAuth(identity_id="i", username="u", password=SecretSource(credential="p"))
    assert auth == wanted


def test_a_password_file_is_embedded(read: Read, tmp_path: Path) -> None:
    path = _file(tmp_path, "password", "p w\n")
    fields = f"method: ldap, identity_id: i, username: u, password_file: {path}"
    auth = read(_auth(fields)).provider.infisical.auth
    assert isinstance(auth, LdapAuth)
    assert auth.password == SecretSource(value=SecretBytes(b"p w"))


@pytest.mark.parametrize("name", ["identity_id", "username"])
def test_a_name_by_credential_says_what_to_do(errors: Check, name: str) -> None:
    fields = {"identity_id": "i", "username": "u"}
    del fields[name]
    rest = ", ".join(f"{key}: {value}" for key, value in fields.items())
    (told,) = errors(_auth(f"method: ldap, {name}_credential: x, password: p, {rest}"))
    assert told.endswith(f"give {name} or {name}_file")


def test_a_certificate_and_its_key_are_embedded(read: Read, tmp_path: Path) -> None:
    pair = client_pair("host")
    cert = _file(tmp_path, "c.pem", pair.certificate)
    key = _file(tmp_path, "k.pem", pair.key)
    fields = f"identity_id: i, certificate_file: {cert}, private_key_file: {key}"
    auth = read(_auth(f"method: tls-cert, {fields}")).provider.infisical.auth
    assert isinstance(auth, TlsCertAuth)
    assert auth.certificate.value == SecretBytes(pair.certificate.encode().rstrip(b"\n"))
    assert auth.private_key.value == SecretBytes(pair.key.encode().rstrip(b"\n"))


def _tls_errors(errors: Check, folder: Path, certificate: str, key: str) -> list[str]:
    cert, private = _file(folder, "c.pem", certificate), _file(folder, "k.pem", key)
    fields = f"identity_id: i, certificate_file: {cert}, private_key_file: {private}"
    return errors(_auth(f"method: tls-cert, {fields}"))


def test_another_certificates_key_is_refused(errors: Check, tmp_path: Path) -> None:
    one, other = client_pair("one"), client_pair("other")
    told = _tls_errors(errors, tmp_path, one.certificate, other.key)
    assert told == [
        f"{PLACE}: certificate and private_key are no pair; give the key of this certificate"
    ]


def test_a_key_in_the_certificates_place_is_refused(errors: Check, tmp_path: Path) -> None:
    pair = client_pair("host")
    (told,) = _tls_errors(errors, tmp_path, pair.key, pair.key)
    assert "holds no PEM certificate" in told


def test_a_certificate_in_the_keys_place_is_refused(errors: Check, tmp_path: Path) -> None:
    pair = client_pair("host")
    (told,) = _tls_errors(errors, tmp_path, pair.certificate, pair.certificate)
    assert "holds no PEM private key" in told


def test_an_encrypted_key_is_refused(errors: Check, tmp_path: Path) -> None:
    pair = client_pair("host", password=b"x")
    (told,) = _tls_errors(errors, tmp_path, pair.certificate, pair.key)
    assert "is encrypted" in told


def test_a_token_file_is_embedded(read: Read, tmp_path: Path) -> None:
    path = _file(tmp_path, "token", "a.b.c\n")
    auth = read(_auth(f"method: token, token_file: {path}")).provider.infisical.auth
    assert auth == TokenAuth(token=SecretSource(value=SecretBytes(b"a.b.c")))


@pytest.mark.parametrize("token", ["two words", "st.0123.abc", "Bearer:x"])
def test_what_is_no_access_token_is_refused_unrepeated(errors: Check, token: str) -> None:
    (told,) = errors(_auth(f"method: token, token: '{token}'"))
    assert told.startswith(f"{PLACE}.token: is ")
    assert token not in told


def test_every_methods_credentials_are_named(load_text: Load, tmp_path: Path) -> None:
    texts = [
        "method: gcp, identity_id: i, service_account_key_credential: one",
        "method: kubernetes, identity_id: i, jwt_credential: two",
        "method: ldap, identity_id: i, username: u, password_credential: three",
        "method: tls-cert, identity_id: i, certificate_credential: four, private_key_credential: five",  # noqa: E501  # one line of YAML
        "method: token, token_credential: six",
        "method: universal-auth, client_id: c, client_secret_credential: seven",
    ]
    projects = ", ".join(
        f"p{index}: {{id: x, environment: prod, auth: {{{text}}}}}"
        for index, text in enumerate(texts)
    )
    config = load_text(f"providers: {{infisical: {{projects: {{{projects}}}}}}}\n").config
    projection = broker_projection(config, generation=1, config_sha256="0" * 64, state_dir=tmp_path)
    names = {"one", "two", "three", "four", "five", "six", "seven"}
    assert credentials(projection) == names
