"""``providers.infisical``: address, trust, proxy, projects."""

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.unit.config.conftest import Check, Read


def _infisical(fields: str) -> str:
    return f"providers: {{infisical: {{{fields}}}}}\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ca")
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=2))
    pem = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    (folder / "ca.pem").write_bytes(pem)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "ca.key").write_bytes(private)
    return folder


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://app.infisical.com", "https://app.infisical.com"),
        ("https://app.infisical.com/", "https://app.infisical.com"),
        ("https://host:8443/infisical/", "https://host:8443/infisical"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_an_address_is_kept_without_its_final_slash(
    read: Read, notices: Check, url: str, kept: str
) -> None:
    text = _infisical(f"api_url: '{url}'")
    assert read(text).provider.infisical.api_url == kept
    assert notices(text) == []


@pytest.mark.parametrize(
    "url",
    [
        "infisical.example.com",
        "ftp://host",
        "https://",
        "https://host:99999",
        "https://host:0",
        "https://host/api",
        "https://host/?a=b",
        "https://host/#x",
        "https://host/%2e%2e",
        "https://ho st",
        "https://user@host",
        "file:///etc/shadow",
    ],
)
def test_what_is_no_address_is_refused(errors: Check, url: str) -> None:
    (told,) = errors(_infisical(f"api_url: '{url}'"))
    assert told.startswith("1: providers.infisical.api_url: ")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:1"])
def test_http_on_this_host_is_taken_silently(notices: Check, url: str) -> None:
    assert notices(_infisical(f"api_url: '{url}'")) == []


def test_http_to_another_host_is_noted(notices: Check) -> None:
    assert "use https" in notices(_infisical("api_url: http://infisical.lan"))[0]


def test_no_verification_is_noted(notices: Check) -> None:
    assert "can pose as Infisical" in notices(_infisical("verify_ssl: false"))[0]


def test_a_private_ca_is_embedded(read: Read, authority: Path) -> None:
    config = read(_infisical(f"ca_cert: {authority}/ca.pem"))
    assert config.provider.infisical.ca_cert == (authority / "ca.pem").read_text()


def test_a_private_key_in_the_ca_file_is_refused(
    errors: Check, authority: Path, tmp_path: Path
) -> None:
    both = (authority / "ca.pem").read_text() + (authority / "ca.key").read_text()
    (tmp_path / "both.pem").write_text(both)
    (told,) = errors(_infisical(f"ca_cert: {tmp_path}/both.pem"))
    assert "holds a private key" in told


@pytest.mark.parametrize("content", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_a_file_without_a_ca_is_refused(errors: Check, tmp_path: Path, content: str) -> None:
    (tmp_path / "ca.pem").write_text(content)
    (told,) = errors(_infisical(f"ca_cert: {tmp_path}/ca.pem"))
    assert "holds no CA certificate that OpenSSL reads" in told


@pytest.mark.parametrize("path", ["ca.pem", "/etc/../ca.pem", "/etc//ca.pem", "/etc/", "/", "''"])
def test_a_path_that_is_not_absolute_and_plain_is_refused(errors: Check, path: str) -> None:
    assert len(errors(_infisical(f"ca_cert: {path}"))) == 1


@pytest.mark.parametrize("path", ["/dev/null", "/dev"])
def test_a_ca_that_is_no_regular_file_is_refused(errors: Check, path: str) -> None:
    (told,) = errors(_infisical(f"ca_cert: {path}"))
    assert "is no regular file" in told


def test_a_proxy_may_hold_a_password(read: Read) -> None:
    url = "http://user:word@proxy.lan:3128"
    assert read(_infisical(f"proxy: '{url}'")).provider.infisical.proxy == url


@pytest.mark.parametrize("url", ["proxy:3128", "socks5://proxy", "http://proxy/path"])
def test_what_is_no_proxy_is_refused(errors: Check, url: str) -> None:
    assert len(errors(_infisical(f"proxy: '{url}'"))) == 1


@pytest.mark.parametrize("alias", ["a/b", "-a", "a b", "'a\\n'", "x" * 64])
def test_a_bad_alias_is_refused(errors: Check, valid: str, alias: str) -> None:
    assert errors(valid.replace("      shop:", f"      {alias}:"))


@pytest.mark.parametrize("key", ["id", "environment"])
def test_a_project_without_a_field_is_refused(errors: Check, valid: str, key: str) -> None:
    lines = [line for line in valid.splitlines(keepends=True) if not line.strip().startswith(key)]
    assert errors("".join(lines)) == [
        f"6: providers.infisical.projects.shop: {key} is missing; add it"
    ]


@pytest.mark.parametrize("slug", ["pr od", "prod/x", "''", "[prod]"])
def test_a_bad_environment_is_refused(errors: Check, valid: str, slug: str) -> None:
    assert len(errors(valid.replace("environment: prod", f"environment: {slug}"))) == 1


def test_another_provider_is_refused(errors: Check) -> None:
    assert errors("providers: {vault: {}}") == [
        "1: providers.vault: unknown key; known here: infisical"
    ]
