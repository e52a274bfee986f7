"""Renewing and revoking."""

from dataclasses import replace
from typing import Any

from tests.fakes.infisical.call import Call
from tests.fakes.infisical.certificates import making, shapes, ttl
from tests.fakes.infisical.certificates.issuing import without_roots
from tests.fakes.infisical.certificates.model import Certificate
from tests.fakes.infisical.certificates.permissions import certificate_for, require
from tests.fakes.infisical.certificates.wanted import uuid
from tests.fakes.infisical.clock import stamp_of
from tests.fakes.infisical.errors import ApiError, bad_request, database_error, went_wrong
from tests.fakes.infisical.messages import Response, json_response
from tests.fakes.infisical.schema import Fields, invalid_enum

# Infisical's reasons, with RFC 5280's numbers, which it keeps.
REASONS = {
    "UNSPECIFIED": 0,
    "KEY_COMPROMISE": 1,
    "CA_COMPROMISE": 2,
    "AFFILIATION_CHANGED": 3,
    "SUPERSEDED": 4,
    "CESSATION_OF_OPERATION": 5,
    "CERTIFICATE_HOLD": 6,
    "PRIVILEGE_WITHDRAWN": 9,
    "A_A_COMPROMISE": 10,
}
_NOT_ELIGIBLE = "Certificate is not eligible for renewal"


def renew(call: Call) -> Response:
    """POST …/certificates/:id/renew: a new key in the server, whose answer does not have it."""
    parameters = Fields(call.request.params)
    certificate_id = uuid(parameters, "id")
    parameters.finish()
    fields = Fields(call.body)
    without_root = without_roots(fields)
    fields.finish()
    old = certificate_for(call, certificate_id, "read")
    if old.private_key is None:
        reason = "certificates issued from CSR (external private key) cannot be renewed"
        raise ApiError(403, "ForbiddenError", f"{_NOT_ELIGIBLE}: {reason}")
    require(call, old.profile.project_id, "issue-cert", "certificate-profiles")
    span = old.not_after - old.not_before
    _require_eligible(old, call.state.clock.milliseconds(), span)
    wanted = replace(old.wanted, ttl=ttl.of_span(span))
    new = making.make(call.state, old.profile, wanted)
    old.renewed_by, new.renewed_from, old.updated_at = new.id, old.id, new.created_at
    request = making.keep_request(call.state, old.profile, wanted, "issued", new)
    shape = shapes.issued(new, without_root=without_root)
    return json_response(shape | {"certificateRequestId": request.id})


def _require_eligible(certificate: Certificate, now: int, span: int) -> None:
    status, authority = certificate.status(now), certificate.profile.authority
    errors = []
    if status != "active":
        errors.append(f"Certificate status is {status}, must be active")
    if certificate.not_after <= now:
        errors.append("Certificate is already expired")
    if certificate.revoked_at is not None:
        errors.append("Certificate is revoked and cannot be renewed")
    if certificate.renewed_by is not None:
        errors.append("Certificate has already been renewed")
    if now + span > authority.not_after:
        ends = stamp_of(now + span), stamp_of(authority.not_after)
        errors.append(f"New certificate would expire ({ends[0]}) after its issuing CA ({ends[1]})")
    if errors:
        raise bad_request(f"{_NOT_ELIGIBLE}: {', '.join(errors)}")


def revoke(call: Call) -> Response:
    """POST …/certificates/:id/revoke: a second time it fails as a bug would."""
    fields = Fields(call.body)
    reason = fields.text("revocationReason")
    if isinstance(fields.source.get("revocationReason"), str) and reason not in REASONS:
        fields.issues.append(invalid_enum([*REASONS], reason, ("revocationReason",)))
    fields.finish()
    certificate = certificate_for(call, id_of(call), "delete")
    if certificate.revoked_at is not None:
        raise went_wrong()
    revoke_now(certificate, reason, call.state.clock.milliseconds())
    body: dict[str, Any] = {
        "message": "Successfully revoked certificate",
        "serialNumber": certificate.serial,
        "revokedAt": stamp_of(certificate.revoked_at or 0),
    }
    return json_response(body)


def revoke_now(certificate: Certificate, reason: str, now: int) -> None:
    """Revoke a certificate."""
    certificate.revoked_at, certificate.updated_at = now, now
    certificate.revocation_reason = REASONS[reason]


def id_of(call: Call, operation: str = "Find by id") -> str:
    """Return the id of the path.

    Raises:
        ApiError: 500 when it is no UUID, a serial number for example: the database refuses it.

    """
    fields = Fields(call.request.params)
    found = uuid(fields, "id")
    if fields.issues:
        raise database_error(operation)
    return found
