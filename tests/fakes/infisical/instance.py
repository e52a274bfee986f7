"""What the instance tells of itself: `/api/status` and `/api/v1/projects`."""

from typing import Any

from tests.fakes.infisical.call import Call
from tests.fakes.infisical.ids import stable_id
from tests.fakes.infisical.messages import Response, json_response
from tests.fakes.infisical.model import NOT_A_MEMBER, Project
from tests.fakes.infisical.tokens import MAX_TOKEN_AGE

_ORGANISATION = stable_id("organisation")


def status(call: Call) -> Response:
    """GET /api/status: needs no token and says Ok whatever is broken behind it."""
    return json_response(
        {
            "date": call.state.clock.stamp(),
            "message": "Ok",
            "emailConfigured": False,
            "inviteOnlySignup": True,
            "redisConfigured": True,
            "secretScanningConfigured": False,
            "auditLogStorageDisabled": False,
            "maxIdentityAccessTokenTTL": MAX_TOKEN_AGE,
        }
    )


def projects(call: Call) -> Response:
    """GET /api/v1/projects: the caller's projects by name."""
    identity = call.identity
    mine = [
        one for one in call.state.projects.values() if one.role_of(identity) not in NOT_A_MEMBER
    ]
    mine.sort(key=lambda one: one.name)
    return json_response({"projects": [_shape(one) for one in mine]})


def _shape(project: Project) -> dict[str, Any]:
    return {
        "id": project.id,
        "name": project.name,
        "description": None,
        "type": project.type,
        "defaultProduct": None,
        "slug": project.slug,
        "autoCapitalization": False,
        "orgId": _ORGANISATION,
        "createdAt": project.created_at,
        "updatedAt": project.updated_at,
        "version": 3,
        "upgradeStatus": None,
        "pitVersionLimit": 10,
        "kmsCertificateKeyId": project.kms_certificate_key_id,
        "auditLogsRetentionDays": None,
        "hasDeleteProtection": False,
        "secretSharing": True,
        "showSnapshotsLegacy": False,
        "secretDetectionIgnoreValues": None,
        "enforceEncryptedSecretManagerSecretMetadata": None,
        "_id": project.id,
        "environments": [
            {"name": one.name, "slug": one.slug, "id": one.id}
            for one in project.environments.values()
        ],
        "deletedEnvironments": [],
    }
