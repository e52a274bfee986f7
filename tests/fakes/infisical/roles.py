"""What each role may do in a project."""

from tests.fakes.infisical.errors import not_a_member, not_found, permission_denied
from tests.fakes.infisical.model import NOT_A_MEMBER, Identity, Project

_WRITES = frozenset({"create", "edit", "delete"})
_READS = frozenset({"list", "describeSecret", "readValue"})

ROLES: dict[str, frozenset[str]] = {
    "admin": _READS | _WRITES,
    "member": _READS | _WRITES,
    "viewer": _READS,
    "no-value": frozenset({"list", "describeSecret"}),
    "list-denied": frozenset({"describeSecret", "readValue"}),
}


def project_for(projects: dict[str, Project], project_id: str, identity: Identity) -> Project:
    """Return a project that the identity is a member of.

    Raises:
        ApiError: 404 for an unknown project, 403 for an identity that is no member.

    """
    project = projects.get(project_id)
    if project is None:
        raise not_found(
            f"Project with ID '{project_id}' not found during bot lookup. "
            "Are you sure you are using the correct project ID?"
        )
    if project.role_of(identity) in NOT_A_MEMBER:
        raise not_a_member(project_id)
    return project


def require(project: Project, identity: Identity, action: str, subject: str = "secrets") -> None:
    """Refuse an action that the identity's role does not allow.

    Raises:
        ApiError: 403 PermissionDenied; a refused listing is told as `describeSecret`.

    """
    if action not in ROLES[project.role_of(identity)]:
        raise permission_denied("describeSecret" if action == "list" else action, subject)
