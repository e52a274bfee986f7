"""Where the broker may connect to, for each way to name Infisical and each cloud's identity."""

import pytest

from tests.unit.apply_units.conftest import Derive, settings

PROXY = "proxy: http://10.0.0.9:3128"
AWS = "auth: {method: aws-iam, identity_id: i}"
AZURE = "auth: {method: azure, identity_id: i}"
GOOGLE = "auth: {method: gcp, identity_id: i}"
KEY = (
    "auth: {method: gcp, identity_id: i, service_account_key: "
    """'{"type": "service_account", "client_email": "a@b", "private_key": "PRIVATE KEY-----"}'}"""
)
METADATA = "169.254.169.254"


def _allowed(derive: Derive, *lines: str) -> list[str]:
    text = "providers:\n  infisical:\n" + "".join(f"    {line}\n" for line in lines)
    found = settings(derive(text)["psi-broker.service.conf"], "Service")
    key = "IPAddressAllow="
    return [line.removeprefix(key) for line in found if line.startswith(key)]


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("10.1.2.3", ["10.1.2.3"]),
        ("10.1.2.3:8443", ["10.1.2.3"]),
        ("[fd00::5]:8443", ["fd00::5"]),
        ("[::ffff:10.1.2.3]", ["10.1.2.3"]),
        ("127.0.0.1:8080", []),
        ("[::1]", []),
        ("localhost:8080", []),
        ("infisical.example.com", ["any"]),
        ("10.1.2", ["any"]),
        ("localhost.example.com", ["any"]),
    ],
)
def test_an_address_is_allowed_and_a_name_allows_all(
    derive: Derive, host: str, allowed: list[str]
) -> None:
    assert _allowed(derive, f"api_url: 'https://{host}'") == allowed


def test_the_usual_address_is_a_name(derive: Derive) -> None:
    assert _allowed(derive, "verify_ssl: true") == ["any"]


def test_behind_a_proxy_the_proxy_alone_counts(derive: Derive) -> None:
    assert _allowed(derive, "api_url: https://infisical.example", PROXY) == ["10.0.0.9"]
    assert _allowed(derive, "api_url: https://10.1.2.3", "proxy: http://p.example:1") == ["any"]


@pytest.mark.parametrize(
    ("auth", "clouds"),
    [
        (AWS, [METADATA, "169.254.170.2", "fd00:ec2::254"]),
        (AZURE, [METADATA]),
        (GOOGLE, [METADATA]),
    ],
)
def test_a_clouds_identity_comes_from_its_metadata(
    derive: Derive, auth: str, clouds: list[str]
) -> None:
    assert _allowed(derive, "api_url: https://10.1.2.3", auth) == sorted(["10.1.2.3", *clouds])
    assert _allowed(derive, "api_url: https://10.1.2.3", PROXY, auth) == sorted(
        ["10.0.0.9", *clouds]
    )


def test_a_projects_identity_counts_too(derive: Derive) -> None:
    projects = f"projects: {{p: {{id: p, environment: e, {AZURE}}}}}"
    assert _allowed(derive, "api_url: https://127.0.0.1", projects) == [METADATA]


def test_a_service_account_needs_googles_servers_by_name(derive: Derive) -> None:
    assert _allowed(derive, "api_url: https://10.1.2.3", KEY) == ["any"]
    assert _allowed(derive, "api_url: https://10.1.2.3", PROXY, KEY) == ["10.0.0.9"]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (("api_url: https://infisical.example.com",), "# api_url names a host"),
        (("proxy: http://user:hunter2@proxy.example.com:1",), "# proxy names a host"),
        (("api_url: https://10.1.2.3", KEY), "# a Google service account"),
    ],
)
def test_the_reason_stands_beside_it_without_foreign_text(
    derive: Derive, lines: tuple[str, ...], reason: str
) -> None:
    text = "providers:\n  infisical:\n" + "".join(f"    {line}\n" for line in lines)
    told = derive(text)["psi-broker.service.conf"]
    assert reason in told
    assert "example.com" not in told
    assert "hunter2" not in told
