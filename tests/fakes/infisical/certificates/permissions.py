"""Who may do what in a certificate project."""

from tests.fakes.infisical.call import Call
from tests.fakes.infisical.certificates.model import Certificate, Profile
from tests.fakes.infisical.errors import not_found, permission_denied

_READS = frozenset({"read"})
# What a role adds to reading, which every member may.
_MORE: dict[str, frozenset[str]] = {
    "admin": frozenset({"create", "issue-cert", "read-private-key", "delete"})
}


def may(call: Call, project_id: str, action: str) -> bool:
    """Tell whether the caller may do something.

    Raises:
        ApiError: 403 for an identity that is no member of the project, 404 without the project.

    """
    role = call.project(project_id).role_of(call.identity)
    return action in _READS | _MORE.get(role, frozenset())


def require(call: Call, project_id: str, action: str, subject: str) -> None:
    """Refuse what the caller may not do.

    Raises:
        ApiError: 403 PermissionDenied, and as `may` does.

    """
    if not may(call, project_id, action):
        raise permission_denied(action, subject)


def profile_for(call: Call, profile_id: str) -> Profile:
    """Return a profile that the caller may read.

    Raises:
        ApiError: 404 without it, 403 for no member.

    """
    profile = call.state.certificates.profiles.get(profile_id)
    if profile is None:
        raise not_found("Certificate profile not found")
    require(call, profile.project_id, "read", "certificate-profiles")
    return profile


def certificate_for(call: Call, certificate_id: str, action: str) -> Certificate:
    """Return a certificate that the caller may do something with.

    Raises:
        ApiError: 404 without it, 403 as `require` does.

    """
    certificate = call.state.certificates.certificates.get(certificate_id)
    if certificate is None:
        raise not_found("Certificate not found")
    require(call, certificate.profile.project_id, action, "certificates")
    return certificate
