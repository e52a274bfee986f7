"""From the issue to the end: chains, status, requests that wait, renewals, restarts."""

import pytest
from cryptography import x509

from tests.fakes.infisical.remote import StandInError
from tests.unit.fakes_infisical.certificate_api import (
    ATTRIBUTES,
    CertificateApi,
    csr_of,
    new_key,
    pem,
)

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def test_the_chain_has_all_authorities_with_the_root_last(certs: CertificateApi) -> None:
    answer = certs.issued(pem(csr_of(new_key())))
    root, issuing = (certs.stand_in.certificates.authority(name) for name in ("root", "issuing"))
    assert answer["issuingCaCertificate"] == issuing
    assert answer["certificateChain"] == f"{issuing}\n{root}"
    below, above = x509.load_pem_x509_certificates(answer["certificateChain"].encode())
    below.verify_directly_issued_by(above)
    above.verify_directly_issued_by(above)


def test_the_root_can_be_left_out(certs: CertificateApi) -> None:
    body = {"profileId": _profile_of(certs), "csr": pem(csr_of(new_key()))}
    answer = certs.call("POST", "", body | {"removeRootsFromChain": True}).json()
    issuing = certs.stand_in.certificates.authority("issuing")
    assert answer["certificate"]["certificateChain"] == issuing
    refused = certs.call("POST", "", body | {"removeRootsFromChain": "yes"})
    assert refused.status_code == 422


def _profile_of(certs: CertificateApi) -> str:
    found = certs.issued(**ATTRIBUTES)["certificateId"]
    return str(certs.call("GET", f"/{found}").json()["certificate"]["profileId"])


def test_the_status_of_a_certificate(certs: CertificateApi) -> None:
    first, second = (
        certs.issued(pem(csr_of(new_key())), ttl="1d")["certificateId"] for _ in range(2)
    )
    assert _told(certs, first)["status"] == "active"
    certs.stand_in.certificates.revoke(first, "SUPERSEDED")
    told = _told(certs, first)
    assert (told["status"], told["revocationReason"]) == ("revoked", 4)
    assert told["revokedAt"] is not None
    certs.stand_in.control("POST", "clock", {"offset": 86_401})
    certs.login()
    assert _told(certs, first)["status"] == "revoked"
    assert _told(certs, second)["status"] == "expired"
    assert [one["status"] for one in certs.stand_in.certificates.issued()] == ["revoked", "expired"]


def _told(certs: CertificateApi, certificate: str) -> dict[str, object]:
    found: dict[str, object] = certs.call("GET", f"/{certificate}").json()["certificate"]
    return found


def test_the_key_of_a_csr_is_nowhere(certs: CertificateApi) -> None:
    found = certs.issued(pem(csr_of(new_key())))["certificateId"]
    assert certs.call("GET", f"/{found}/bundle").json()["privateKey"] is None
    assert certs.call("GET", f"/{found}/private-key").status_code == 404


def test_an_unknown_certificate_and_an_unknown_request(certs: CertificateApi) -> None:
    for path in ("", "/certificate", "/bundle", "/private-key"):
        assert certs.call("GET", f"/{UNKNOWN}{path}").status_code == 404
        assert certs.call("GET", f"/no-uuid{path}").status_code == 500
    assert certs.call("GET", f"/certificate-requests/{UNKNOWN}").status_code == 404
    assert certs.call("GET", "/certificate-requests/no-uuid").status_code == 422
    revocation = {"revocationReason": "SUPERSEDED"}
    assert certs.call("POST", f"/{UNKNOWN}/revoke", revocation).status_code == 404
    assert certs.call("GET", f"/{UNKNOWN}/nothing").json()["error"] == "Not Found"


def test_revoking_wants_a_reason_that_exists(certs: CertificateApi) -> None:
    found = certs.issued(**ATTRIBUTES)["certificateId"]
    for body in ({}, {"revocationReason": "BORED"}):
        assert certs.call("POST", f"/{found}/revoke", body).status_code == 422
    assert _told(certs, found)["status"] == "active"


def test_a_request_waits_until_it_is_approved(certs: CertificateApi) -> None:
    manager, key = certs.stand_in.certificates, new_key()
    manager.let_wait("web")
    answer = certs.issue(pem(csr_of(key))).json()
    request = answer["certificateRequestId"]
    assert (answer["certificate"], answer["status"]) == (None, "pending_approval")
    assert answer["message"] == "Certificate signing request requires approval"
    waiting = certs.call("GET", f"/certificate-requests/{request}").json()
    assert (waiting["status"], waiting["certificate"]) == ("pending_approval", None)
    assert manager.waiting() == [request]
    assert manager.approve(request) == "issued"
    issued = certs.call("GET", f"/certificate-requests/{request}").json()
    leaf = x509.load_pem_x509_certificate(issued["certificate"].encode())
    assert leaf.public_key() == key.public_key()
    assert (issued["status"], issued["privateKey"], manager.waiting()) == ("issued", None, [])
    bundle = certs.call("GET", f"/{issued['certificateId']}/bundle").json()
    assert bundle["certificateChain"].count("BEGIN CERTIFICATE") == 2


def test_a_request_is_rejected_or_fails(certs: CertificateApi) -> None:
    manager = certs.stand_in.certificates
    manager.let_wait("web", "pending")
    first, second = (
        certs.issue(pem(csr_of(new_key()))).json()["certificateRequestId"] for _ in range(2)
    )
    manager.reject(first)
    manager.fail(second, "no quota")
    told = [certs.call("GET", f"/certificate-requests/{one}").json() for one in (first, second)]
    assert [(one["status"], one["errorMessage"]) for one in told] == [
        ("rejected", None),
        ("failed", "no quota"),
    ]
    with pytest.raises(StandInError, match="waits"):
        manager.approve(first)
    manager.let_wait("web", None)
    assert certs.issue(pem(csr_of(new_key()))).json()["status"] == "issued"


def test_what_breaks_the_policy_fails_at_its_approval(certs: CertificateApi) -> None:
    certs.stand_in.certificates.let_wait("web")
    request = certs.issue(**(ATTRIBUTES | {"ttl": "91d"})).json()["certificateRequestId"]
    assert certs.stand_in.certificates.approve(request) == "failed"
    told = certs.call("GET", f"/certificate-requests/{request}").json()
    assert "exceeds maximum" in told["errorMessage"]


def test_a_breach_by_a_csr_does_not_wait(certs: CertificateApi) -> None:
    certs.stand_in.certificates.let_wait("web")
    assert certs.issue(pem(csr_of(new_key())), ttl="91d").status_code == 400


def test_an_expired_certificate_is_not_renewed(certs: CertificateApi) -> None:
    found = certs.issued(**(ATTRIBUTES | {"ttl": "1d"}))["certificateId"]
    certs.stand_in.control("POST", "clock", {"offset": 86_401})
    certs.login()
    answer = certs.call("POST", f"/{found}/renew", {})
    assert answer.status_code == 400
    assert "Certificate is already expired" in answer.json()["message"]


def test_a_renewal_lasts_as_long_and_has_another_key(certs: CertificateApi) -> None:
    old = certs.issued(**(ATTRIBUTES | {"ttl": "12h"}))
    new = certs.call("POST", f"/{old['certificateId']}/renew", {}).json()
    first, second = (
        x509.load_pem_x509_certificate(one["certificate"].encode()) for one in (old, new)
    )
    spans = [one.not_valid_after_utc - one.not_valid_before_utc for one in (first, second)]
    assert spans[0] == spans[1]
    assert first.public_key() != second.public_key()
    assert _told(certs, old["certificateId"])["renewedByCertificateId"] == new["certificateId"]


def test_a_certificate_does_not_outlive_its_authority(certs: CertificateApi) -> None:
    csr = pem(csr_of(new_key()))
    answer = certs.issue(csr, profile="ending")
    assert answer.json()["message"] == "notAfter date is after CA certificate's notAfter date"
    certs.stand_in.control("POST", "clock", {"offset": 2 * 86_400})
    certs.login()
    assert certs.issue(csr, profile="ending").json()["message"] == "CA is expired"


def test_the_authorities_of_a_seed_outlive_a_restart(certs: CertificateApi) -> None:
    before = [certs.stand_in.certificates.authority(name) for name in ("root", "issuing")]
    certs.stand_in.restart()
    assert [certs.stand_in.certificates.authority(name) for name in ("root", "issuing")] == before
    certs.login()
    assert certs.issue(pem(csr_of(new_key()))).status_code == 200
