"""Issuing beyond the recordings: what a CSR may ask for, and what is refused."""

import ipaddress
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.fakes.infisical.certificates.signing import key_usage
from tests.unit.fakes_infisical.api import ADMIN
from tests.unit.fakes_infisical.certificate_api import (
    ATTRIBUTES,
    MEMBER,
    CertificateApi,
    certificate_manager,
    csr_of,
    new_key,
    pem,
)

_DER = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo


@pytest.fixture(scope="module")
def certs() -> Iterator[CertificateApi]:
    with certificate_manager() as api:
        yield api


def test_a_csr_gets_its_names_and_key_and_a_signature_that_holds(certs: CertificateApi) -> None:
    key = new_key()
    names = x509.SubjectAlternativeName(
        [x509.DNSName("host.example"), x509.IPAddress(ipaddress.ip_address("192.0.2.7"))]
    )
    answer = certs.issued(pem(csr_of(key, "host.example", names)), ttl="12h")
    leaf = x509.load_pem_x509_certificate(answer["certificate"].encode())
    issuer = x509.load_pem_x509_certificate(answer["issuingCaCertificate"].encode())
    leaf.verify_directly_issued_by(issuer)
    assert leaf.public_key().public_bytes(*_DER) == key.public_key().public_bytes(*_DER)
    assert leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value == names
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).total_seconds() == 12 * 3600
    assert f"{leaf.serial_number:040x}" == answer["serialNumber"]
    assert "privateKey" not in answer


def test_the_key_that_the_server_made_fits(certs: CertificateApi) -> None:
    answer = certs.issued(**ATTRIBUTES)
    key = serialization.load_pem_private_key(answer["privateKey"].encode(), None)
    leaf = x509.load_pem_x509_certificate(answer["certificate"].encode())
    assert leaf.public_key().public_bytes(*_DER) == key.public_key().public_bytes(*_DER)


def test_the_signature_of_a_csr_is_not_looked_at(certs: CertificateApi) -> None:
    good = csr_of(new_key()).public_bytes(serialization.Encoding.DER)
    bad = x509.load_der_x509_csr(good[:-1] + bytes([good[-1] ^ 1]))
    assert not bad.is_signature_valid
    assert certs.issue(pem(bad)).status_code == 200


def test_a_csr_without_usages_gets_none(certs: CertificateApi) -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(csr_of(new_key()).subject)
    leaf = certs.leaf(pem(builder.sign(new_key(), hashes.SHA256())))
    kinds = {type(one.value) for one in leaf.extensions}
    assert kinds.isdisjoint({x509.KeyUsage, x509.ExtendedKeyUsage, x509.SubjectAlternativeName})


_NO_AUTHORITIES = (
    "CA certificate issuance is denied by this policy. "
    "The policy does not allow issuing CA certificates."
)


@pytest.mark.parametrize(
    ("extension", "breach"),
    [
        (key_usage(["key_cert_sign"]), "Invalid key usages: key_cert_sign"),
        (
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]),
            "Invalid extended key usages: code_signing",
        ),
        (
            x509.SubjectAlternativeName([x509.RFC822Name("a@host.example")]),
            "email SAN is not allowed by template policy (not defined in template)",
        ),
        (x509.BasicConstraints(ca=True, path_length=None), _NO_AUTHORITIES),
    ],
)
def test_a_csr_is_held_against_the_policy(
    certs: CertificateApi, extension: x509.ExtensionType, breach: str
) -> None:
    answer = certs.issue(pem(csr_of(new_key(), "host.example", extension)))
    assert answer.status_code == 400
    assert answer.json()["message"] == f"Certificate request validation failed: {breach}"


def test_several_breaches_come_in_one_sentence(certs: CertificateApi) -> None:
    attributes = ATTRIBUTES | {"organization": "O", "ttl": "91d", "keyAlgorithm": "EC_secp384r1"}
    answer = certs.issue(**attributes)
    assert answer.json()["message"] == (
        "Certificate request validation failed: "
        "organization is not allowed by template policy (not defined in template), "
        "Key algorithm 'EC_secp384r1' is not allowed by template policy, "
        "Requested validity period exceeds maximum allowed duration"
    )


def test_a_key_of_another_family_than_the_authoritys_is_refused(certs: CertificateApi) -> None:
    key = rsa.generate_private_key(65537, 2048)
    answer = certs.issue(pem(csr_of(key)))
    assert answer.status_code == 400
    assert answer.json()["message"] == (
        "Requested signature algorithm RSA-SHA256 is not compatible with CA key algorithm "
        "EC_prime256v1. CA can only sign with ECDSA-based signature algorithms."
    )


def test_an_unknown_kind_of_key_is_refused(certs: CertificateApi) -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(csr_of(new_key()).subject)
    csr = builder.sign(ed25519.Ed25519PrivateKey.generate(), None)
    answer = certs.issue(pem(csr))
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Unsupported key algorithm in CSR: ")


@pytest.mark.parametrize(
    ("ttl", "status"),
    [
        ("12h", 200),
        ("90d", 200),
        ("3m", 200),  # months
        ("5m", 400),
        ("1y", 400),
        ("3600s", 500),
        ("1w", 500),
        ("30", 500),
        ("0d", 422),
        ("soon", 422),
        ("", 422),
    ],
)
def test_ttls(certs: CertificateApi, ttl: str, status: int) -> None:
    assert certs.issue(pem(csr_of(new_key())), ttl=ttl).status_code == status


def test_a_month_has_thirty_days(certs: CertificateApi) -> None:
    leaf = certs.leaf(pem(csr_of(new_key())), ttl="2m")
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days == 60


def test_no_certificate_without_a_lifetime(certs: CertificateApi) -> None:
    answer = certs.issue(pem(csr_of(new_key())), profile="plain")
    message = "Certificate issuance requires a valid TTL"
    assert (answer.status_code, answer.json()["message"]) == (400, message)


@pytest.mark.parametrize("names", [["not an address"], ["192.0.2.999"]])
def test_an_address_that_is_none_fails_as_a_bug_does(
    certs: CertificateApi, names: list[str]
) -> None:
    alt_names = [{"type": "ip_address", "value": one} for one in names]
    assert certs.issue(**(ATTRIBUTES | {"altNames": alt_names})).status_code == 500


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"keyUsages": ["sign"]}, ["attributes", "keyUsages", 0]),
        ({"altNames": [{"type": "dns", "value": "x"}]}, ["attributes", "altNames", 0, "type"]),
        ({"altNames": ["x"]}, ["attributes", "altNames", 0]),
        ({"keyAlgorithm": "EC"}, ["attributes", "keyAlgorithm"]),
        ({"commonName": 1}, ["attributes", "commonName"]),
    ],
)
def test_wrong_attributes_are_refused_with_their_place(
    certs: CertificateApi, wrong: dict[str, Any], path: list[str | int]
) -> None:
    answer = certs.issue(**(ATTRIBUTES | wrong))
    assert answer.status_code == 422
    assert [issue["path"] for issue in answer.json()["message"]] == [path]


@pytest.mark.parametrize(
    ("csr", "message"),
    [
        (" ", "CSR cannot be empty"),
        ("x" * 4097, "CSR cannot exceed 4096 characters"),
    ],
)
def test_the_length_of_a_csr(certs: CertificateApi, csr: str, message: str) -> None:
    (issue,) = certs.issue(csr).json()["message"]
    assert (issue["message"], issue["path"]) == (message, ["csr"])


def test_a_member_may_read_but_neither_issue_nor_revoke(certs: CertificateApi) -> None:
    found = certs.issued(**ATTRIBUTES)["certificateId"]
    certs.login(MEMBER)
    assert certs.issue(pem(csr_of(new_key()))).json()["error"] == "PermissionDenied"
    assert certs.call("GET", f"/{found}").status_code == 200
    assert certs.call("GET", f"/{found}/private-key").status_code == 403
    revocation = {"revocationReason": "SUPERSEDED"}
    assert certs.call("POST", f"/{found}/revoke", revocation).status_code == 403
    certs.login(ADMIN)
    assert certs.call("POST", f"/{found}/revoke", revocation).status_code == 200


def test_what_was_sent_can_be_read_back(certs: CertificateApi) -> None:
    certs.stand_in.clear_requests()
    certs.issue(pem(csr_of(new_key())))
    (sent,) = certs.stand_in.bodies("/cert-manager/")
    assert b"BEGIN CERTIFICATE REQUEST" in sent
    assert len(certs.stand_in.bodies()) == len(certs.stand_in.requests())
    assert not any(b"PRIVATE KEY" in body for body in certs.stand_in.bodies())
    assert certs.stand_in.count("/cert-manager/", "POST") == 1
