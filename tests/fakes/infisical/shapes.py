"""The shapes in which secrets leave the server; each route has its own, as recorded."""

from typing import Any

from tests.fakes.infisical.model import Secret

HIDDEN = "<hidden-by-infisical>"


def core(secret: Secret, project_id: str, environment: str) -> dict[str, Any]:
    """Return the fields that all shapes of a shared secret have."""
    return {
        "id": secret.id,
        "_id": secret.id,
        "workspace": project_id,
        "environment": environment,
        "version": secret.version,
        "type": "shared",
        "secretKey": secret.key,
        "secretValue": secret.value,
        "secretComment": secret.comment,
        "secretReminderNote": secret.reminder_note,
        "secretReminderRepeatDays": secret.reminder_days,
        "skipMultilineEncoding": secret.skip_multiline,
        "createdAt": secret.created_at,
        "updatedAt": secret.updated_at,
    }


def rotation() -> dict[str, Any]:
    """Return the rotation fields, which deleted and old versions do not have."""
    return {"isRotatedSecret": False, "rotationId": None}


def metadata(secret: Secret) -> list[dict[str, Any]]:
    """Return the secret's metadata in full."""
    return [
        {
            "key": item["key"],
            "value": item.get("value", ""),
            "isEncrypted": item.get("isEncrypted", False),
        }
        for item in secret.metadata
    ]


def hidden(shape: dict[str, Any], *, is_hidden: bool) -> dict[str, Any]:
    """Return a shape that says whether its value is hidden, with the value masked if so."""
    masked = {"secretValue": HIDDEN} if is_hidden else {}
    return shape | masked | {"secretValueHidden": is_hidden}


def created(secret: Secret, project_id: str, environment: str) -> dict[str, Any]:
    """Return what create calls answer: no path, and no word on hiding."""
    return core(secret, project_id, environment) | rotation()


def updated(secret: Secret, project_id: str, environment: str) -> dict[str, Any]:
    """Return what update calls answer."""
    return hidden(created(secret, project_id, environment), is_hidden=False)


def deleted(secret: Secret, project_id: str, environment: str) -> dict[str, Any]:
    """Return what delete calls answer."""
    return hidden(core(secret, project_id, environment), is_hidden=False)


def read(secret: Secret, project_id: str, environment: str, path: str) -> dict[str, Any]:
    """Return what listings and gets answer, before expansion and masking."""
    return created(secret, project_id, environment) | {
        "secretPath": path,
        "secretMetadata": metadata(secret),
        "tags": secret.tags,
    }


def imported(secret: Secret, environment: str) -> dict[str, Any]:
    """Return an entry of a listing's `imports`: no project, times, reminders, path or tags."""
    full = created(secret, "", environment) | {"secretMetadata": metadata(secret)}
    left_out = {"secretReminderNote", "secretReminderRepeatDays", "createdAt", "updatedAt"}
    return {name: value for name, value in full.items() if name not in left_out}
