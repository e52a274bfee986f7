"""A hostile or broken Infisical: each way to issue wrongly, and the way back."""

import datetime as dt
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from tests.fakes.infisical.certificates.remote import RemoteCertificates
from tests.fakes.infisical.remote import StandInError
from tests.unit.fakes_infisical.certificate_api import CertificateApi, csr_of, new_key, pem


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def test_shorter_than_asked(certs: CertificateApi) -> None:
    certs.stand_in.certificates.issue_shorter(90)
    leaf = certs.leaf(pem(csr_of(new_key())), ttl="7d")
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == dt.timedelta(seconds=90)


def test_expired(certs: CertificateApi) -> None:
    certs.stand_in.certificates.issue_expired()
    leaf = certs.leaf(pem(csr_of(new_key())), ttl="7d")
    assert leaf.not_valid_after_utc < _now()
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == dt.timedelta(days=7)


def test_not_yet_valid(certs: CertificateApi) -> None:
    certs.stand_in.certificates.issue_not_yet_valid()
    assert certs.leaf(pem(csr_of(new_key()))).not_valid_before_utc > _now()


def test_other_names(certs: CertificateApi) -> None:
    certs.stand_in.certificates.issue_for_other_names("evil.example", "also.example")
    leaf = certs.leaf(pem(csr_of(new_key())))
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["evil.example", "also.example"]
    assert leaf.subject.rfc4514_string() == "CN=evil.example"


def test_another_key(certs: CertificateApi) -> None:
    certs.stand_in.certificates.issue_for_another_key()
    key = new_key()
    assert certs.leaf(pem(csr_of(key))).public_key() != key.public_key()


def test_a_forged_signature(certs: CertificateApi) -> None:
    certs.stand_in.certificates.issue_forged()
    answer = certs.issued(pem(csr_of(new_key())))
    leaf, issuer = (
        x509.load_pem_x509_certificate(answer[name].encode())
        for name in ("certificate", "issuingCaCertificate")
    )
    assert leaf.issuer == issuer.subject
    with pytest.raises(InvalidSignature):
        leaf.verify_directly_issued_by(issuer)


def test_another_authority(certs: CertificateApi) -> None:
    certs.stand_in.certificates.issue_from_another_authority("stranger")
    answer = certs.issued(pem(csr_of(new_key())))
    assert answer["certificateChain"] == certs.stand_in.certificates.authority("stranger")
    leaf = x509.load_pem_x509_certificate(answer["certificate"].encode())
    leaf.verify_directly_issued_by(
        x509.load_pem_x509_certificate(answer["certificateChain"].encode())
    )


def test_an_authority_instead_of_a_leaf(certs: CertificateApi) -> None:
    certs.stand_in.certificates.issue_authorities()
    leaf = certs.leaf(pem(csr_of(new_key())))
    assert leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_another_answer_on_every_route(certs: CertificateApi) -> None:
    told = {"certificate": "no PEM", "certificateChain": "", "privateKey": "a key"}
    certs.stand_in.certificates.answer_with(told)
    answer = certs.issue(pem(csr_of(new_key()))).json()
    assert {name: answer["certificate"][name] for name in told} == told
    bundle = certs.call("GET", f"/{answer['certificate']['certificateId']}/bundle").json()
    assert {name: bundle[name] for name in told} == told
    request = f"/certificate-requests/{answer['certificateRequestId']}"
    assert certs.call("GET", request).json()["certificate"] == "no PEM"


Wrongly = Callable[[RemoteCertificates], None]


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda manager: manager.issue_for_another_key(times=1), id="once"),
        pytest.param(
            lambda manager: (manager.issue_for_another_key(), manager.issue_rightly()), id="ended"
        ),
    ],
)
def test_it_ends(certs: CertificateApi, end: Wrongly) -> None:
    key = new_key()
    end(certs.stand_in.certificates)
    leaves = [certs.leaf(pem(csr_of(key))) for _ in range(2)]
    assert leaves[1].public_key() == key.public_key()


def test_an_unknown_way_is_refused(certs: CertificateApi) -> None:
    with pytest.raises(StandInError, match="kind 'odd'"):
        certs.stand_in.control("POST", "certificates/misissue", {"kind": "odd"})


def test_a_request_that_waited_is_misissued_too(certs: CertificateApi) -> None:
    manager, key = certs.stand_in.certificates, new_key()
    manager.let_wait("web")
    request = certs.issue(pem(csr_of(key))).json()["certificateRequestId"]
    manager.issue_for_another_key(times=1)
    manager.approve(request)
    told = certs.call("GET", f"/certificate-requests/{request}").json()
    leaf = x509.load_pem_x509_certificate(told["certificate"].encode())
    assert leaf.public_key() != key.public_key()
