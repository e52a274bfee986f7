"""``providers.infisical.tls.certificates``: checked whole although nothing serves it yet."""

import pytest

from psictl.config.model import AltName
from tests.unit.config.conftest import Check, Read

FIELDS = {
    "project": "shop",
    "profile_id": "p-1",
    "common_name": "web.example.com",
    "output": "{cert: /etc/pki/web.pem, key: /etc/pki/web.key}",
}


def _with(valid: str, *certificates: dict[str, str]) -> str:
    sections = ", ".join(
        f"c{index}: {{{', '.join(f'{key}: {value}' for key, value in fields.items())}}}"
        for index, fields in enumerate(certificates)
    )
    tls = f"    tls: {{certificates: {{{sections}}}}}\n"
    return valid.replace("    projects:", tls + "    projects:")


def test_a_certificate_is_checked_and_noted(read: Read, notices: Check, valid: str) -> None:
    text = _with(valid, FIELDS)
    certificate = read(text).provider.certificates["c0"]
    assert (certificate.ttl, certificate.renew_before) == ("90d", 30 * 86_400)
    assert (certificate.key_algorithm, certificate.output.mode) == ("EC_prime256v1", "0640")
    assert "certificates are not served yet" in notices(text)[0]


def test_every_field(read: Read, valid: str) -> None:
    names = "{type: dns_name, value: '*.example.com'}, {type: ip_address, value: '::1'}"
    names += ", {type: email, value: a@b.c}, {type: uri, value: 'spiffe://x/y'}"
    fields = FIELDS | {
        "alt_names": f"[{names}]",
        "key_algorithm": "RSA_4096",
        "ttl": "48h",
        "renew_before": "12h",
        "hooks": "['systemctl reload a.service']",
        "failure_hooks": "['/usr/bin/mail -s x root']",
        "hook_timeout": "1m",
        "output": "{combined: /a.pem, ca: /ca.pem, chain: /b.pem, mode: 0600, group: traefik}",
    }
    certificate = read(_with(valid, fields)).provider.certificates["c0"]
    assert certificate.alt_names[0] == AltName("dns_name", "*.example.com")
    assert certificate.hooks == (("systemctl", "reload", "a.service"),)
    assert (certificate.hook_timeout, certificate.renew_before) == (60, 43_200)
    assert certificate.output.paths == {"chain": "/b.pem", "ca": "/ca.pem", "combined": "/a.pem"}
    assert (certificate.output.mode, certificate.output.group) == ("0600", "traefik")


@pytest.mark.parametrize("key", FIELDS)
def test_a_missing_field_is_refused(errors: Check, valid: str, key: str) -> None:
    fields = {name: value for name, value in FIELDS.items() if name != key}
    (told,) = errors(_with(valid, fields))
    assert told.endswith(f"{key} is missing; add it")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("project", "none"),
        ("profile_id", "'a b'"),
        ("common_name", "'a b'"),
        ("common_name", "a..b"),
        ("ttl", "5m"),
        ("ttl", "90"),
        ("ttl", "1y"),
        ("ttl", "0d"),
        ("renew_before", "90d"),
        ("renew_before", "30"),
        ("key_algorithm", "EC_secp521r1"),
        ("alt_names", "[{type: dns, value: a}]"),
        ("alt_names", "[{type: dns_name, value: 'a b'}]"),
        ("alt_names", "[{type: ip_address, value: 1.2.3}]"),
        ("alt_names", "[{type: email, value: a}]"),
        ("alt_names", "[{type: uri, value: a}]"),
        ("alt_names", "[{type: dns_name}]"),
        ("hooks", "systemctl reload a"),
        ("hooks", "['a && b']"),
        ("failure_hooks", "['a | b']"),
        ("hook_timeout", "2h"),
        ("output", "{}"),
        ("output", "{cert: web.pem}"),
        ("output", "{cert: /a, key: /a}"),
        ("output", "{cert: /a, mode: 0666}"),
        ("output", "{cert: /a, group: 'a b'}"),
        ("output", "{certificate: /a, cert: /b}"),
        ("environment", "prod"),
    ],
)
def test_refused(errors: Check, valid: str, key: str, value: str) -> None:
    told = errors(_with(valid, FIELDS | {key: value}))
    assert len(told) == 1
    assert told[0].startswith("4: providers.infisical.tls.certificates.c0")


def test_two_certificates_with_one_output_are_refused(errors: Check, valid: str) -> None:
    told = errors(_with(valid, FIELDS, FIELDS))
    assert [line.split(": ")[1] for line in told] == [
        "providers.infisical.tls.certificates.c1.output.cert",
        "providers.infisical.tls.certificates.c1.output.key",
    ]
