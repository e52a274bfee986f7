"""POST /api/v1/cert-manager/certificates."""

from typing import Any

from tests.fakes.infisical.call import Call
from tests.fakes.infisical.certificates import making, shapes
from tests.fakes.infisical.certificates.csr import from_csr
from tests.fakes.infisical.certificates.model import Profile, Wanted
from tests.fakes.infisical.certificates.permissions import may, profile_for, require
from tests.fakes.infisical.certificates.wanted import csr_text, from_attributes, uuid
from tests.fakes.infisical.errors import bad_request
from tests.fakes.infisical.messages import Response, json_response
from tests.fakes.infisical.schema import Fields, invalid_type, type_name

# An external authority's orders wait without a policy for approvals.
_WAITING = {
    "pending_approval": (
        "Certificate request requires approval",
        "Certificate signing request requires approval",
    )
}


def issue(call: Call) -> Response:
    """Issue a certificate, or take the request for one that must wait."""
    fields = Fields(call.body)
    profile_id, csr = uuid(fields, "profileId"), csr_text(fields)
    asked = Wanted({})
    if "attributes" in fields.source:
        asked = from_attributes(fields.source["attributes"], fields.issues)
    without_root = without_roots(fields)
    fields.finish()
    profile = profile_for(call, profile_id)
    wanted = asked if csr is None else from_csr(csr, asked)
    require(call, profile.project_id, "issue-cert", "certificate-profiles")
    if csr is None and profile.waits_with is not None:
        return _taken(call, profile, wanted)  # unchecked until it is approved
    wanted = making.checked(profile, wanted)
    if profile.waits_with is not None:
        return _taken(call, profile, wanted)
    certificate = making.make(call.state, profile, wanted)
    request = making.keep_request(call.state, profile, wanted, "issued", certificate)
    shape = shapes.issued(certificate, without_root=without_root)
    if certificate.private_key is not None and may(call, profile.project_id, "read-private-key"):
        shape["privateKey"] = certificate.private_key.rstrip("\n")
    return json_response(
        {"certificate": shape, "certificateRequestId": request.id, "status": "issued"}
    )


def without_roots(fields: Fields) -> bool:
    """Return the flag that leaves the root out: a boolean, or its word."""
    value: Any = fields.source.get("removeRootsFromChain", False)
    if value not in (True, False, "true", "false"):
        place = (*fields.prefix, "removeRootsFromChain")
        fields.issues.append(invalid_type("boolean", type_name(value), place))
    return value in (True, "true")


def _taken(call: Call, profile: Profile, wanted: Wanted) -> Response:
    status = profile.waits_with or ""
    request = making.keep_request(call.state, profile, wanted, status)
    body: dict[str, Any] = {
        "certificate": None,
        "certificateRequestId": request.id,
        "status": status,
    }
    if status in _WAITING:
        body["message"] = _WAITING[status][wanted.public_key is not None]
    return json_response(body)


def issue_by_the_old_way(_: Call) -> Response:
    """POST /api/v1/pki/certificates/issue-certificate: refused for want of a template."""
    raise bad_request("Certificate template or subscriber is required for issuance")
