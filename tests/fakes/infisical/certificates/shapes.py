"""The shapes in which certificates and requests for them leave the server, as recorded."""

from typing import Any

from cryptography.hazmat.primitives import hashes

from tests.fakes.infisical.certificates.model import Certificate, CertificateRequest, Wanted
from tests.fakes.infisical.certificates.names import SUBJECT_FIELDS, written
from tests.fakes.infisical.certificates.words import EXTENDED_KEY_USAGES, KEY_USAGES
from tests.fakes.infisical.clock import stamp_of


def issued(certificate: Certificate, *, without_root: bool) -> dict[str, Any]:
    """Return what issuing and renewing answer, without a key."""
    return {
        "certificate": certificate.pem,
        "issuingCaCertificate": certificate.issuer,
        "certificateChain": certificate.chain_text(without_root=without_root),
        "serialNumber": certificate.serial,
        "certificateId": certificate.id,
    }


def body(certificate: Certificate) -> dict[str, Any]:
    """Return the PEM texts of a certificate."""
    return {
        "certificate": certificate.pem,
        "certificateChain": certificate.chain_text(),
        "serialNumber": certificate.serial,
    }


def request(one: CertificateRequest, *, with_key: bool) -> dict[str, Any]:
    """Return what became of a request; a key in it keeps its trailing newline."""
    certificate, subject = one.certificate, one.wanted.subject
    key = certificate.private_key if certificate is not None and with_key else None
    return {
        "status": one.status,
        "certificate": certificate.pem if certificate is not None else None,
        "certificateId": certificate.id if certificate is not None else None,
        "privateKey": key,
        "serialNumber": certificate.serial if certificate is not None else None,
        "errorMessage": one.error,
        "pendingMessage": None,
        **{name: subject.get(name) for name in SUBJECT_FIELDS},
        "basicConstraints": None,
        "metadata": [],
        "createdAt": stamp_of(one.created_at),
        "updatedAt": stamp_of(one.updated_at),
    }


def full(certificate: Certificate, now: int) -> dict[str, Any]:
    """Return all that is told of a certificate."""
    profile, wanted = certificate.profile, certificate.wanted
    prints = {
        "sha256": certificate.certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        "sha1": certificate.certificate.fingerprint(hashes.SHA1()).hex(":").upper(),  # noqa: S303
    }
    return {
        "id": certificate.id,
        "createdAt": stamp_of(certificate.created_at),
        "updatedAt": stamp_of(certificate.updated_at),
        "status": certificate.status(now),
        "serialNumber": certificate.serial,
        "friendlyName": _friendly_name(certificate),
        "commonName": wanted.subject.get("commonName", ""),
        "notBefore": stamp_of(certificate.not_before),
        "notAfter": stamp_of(certificate.not_after),
        "revokedAt": _stamp(certificate.revoked_at),
        "revocationReason": certificate.revocation_reason,
        "altNames": ",".join(value for _, value in wanted.alt_names or []),
        "keyUsages": [KEY_USAGES[name][0] for name in wanted.key_usages or []],
        "extendedKeyUsages": [
            EXTENDED_KEY_USAGES[name][0] for name in wanted.extended_key_usages or []
        ],
        "projectId": profile.project_id,
        "profileId": profile.id,
        "profileName": profile.slug,
        "renewedFromCertificateId": certificate.renewed_from,
        "renewedByCertificateId": certificate.renewed_by,
        "keyAlgorithm": wanted.key_algorithm,
        "signatureAlgorithm": wanted.signature_algorithm,
        "fingerprintSha256": prints["sha256"],
        "fingerprintSha1": prints["sha1"],
        "fingerprints": prints,
        "isCA": wanted.is_authority,
        "basicConstraints": {"isCA": wanted.is_authority},
        "keySource": "infisical" if certificate.private_key is not None else None,
        "caId": profile.authority.id,
        "caCertId": profile.authority.certificate_id,
        "caName": profile.authority.name,
        "caType": "internal",
        "metadata": [],
    } | _subject(wanted) | _nothing()  # fmt: skip


def _friendly_name(certificate: Certificate) -> str:
    """Return the common name, or all of the subject where a signing request gave it."""
    subject = certificate.wanted.subject
    if certificate.wanted.public_key is not None:
        return written(subject)
    return subject.get("commonName") or "Certificate"


def _stamp(moment: int | None) -> str | None:
    return stamp_of(moment) if moment is not None else None


def _subject(wanted: Wanted) -> dict[str, Any]:
    columns = {
        f"subject{name[0].upper()}{name[1:]}": wanted.subject.get(name)
        for name in SUBJECT_FIELDS
        if name != "commonName"
    }
    return columns | {"subject": dict(wanted.subject)}


def _nothing() -> dict[str, None]:
    """Return the fields that no certificate of this server has a value for."""
    names = (
        "certificateTemplateId", "pkiSubscriberId", "renewBeforeDays", "renewalError",
        "pathLength", "source", "discoveryMetadata", "externalMetadata", "applicationId",
        "applicationName", "hsmConnectorId", "hsmKeyLabel", "hsmPublicKeySpki",
    )  # fmt: skip
    return dict.fromkeys(names)
