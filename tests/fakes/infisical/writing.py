"""Create, update and delete of one secret: `/api/v4/secrets/:secretName` and the v3 raw form."""

from dataclasses import dataclass
from typing import Any

from tests.fakes.infisical.call import Call
from tests.fakes.infisical.errors import bad_request, folder_not_found, not_found
from tests.fakes.infisical.folders import normal_path
from tests.fakes.infisical.ids import fresh_id
from tests.fakes.infisical.listing import project_by_id_or_slug
from tests.fakes.infisical.messages import Response, json_response
from tests.fakes.infisical.model import Folder, Project, Secret
from tests.fakes.infisical.roles import require
from tests.fakes.infisical.schema import Fields
from tests.fakes.infisical.shapes import created, deleted, updated

# What JavaScript's trim() takes away; Python's strip() takes more and less.
_BLANK = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
_BLANK += "\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"


@dataclass(slots=True, frozen=True)
class Target:
    """The folder that a write goes to."""

    project: Project
    environment: str
    path: str

    def folder(self, operation: str) -> Folder:
        """Return the folder, or refuse with 404 in the operation's name."""
        folder = self.project.folder(self.environment, self.path)
        if folder is None:
            raise folder_not_found(self.environment, self.path, operation)
        return folder


def trim_key(key: str) -> str:
    """Return a key as the server keeps it."""
    return key.strip(_BLANK)


def key_problem(key: str) -> str | None:
    """Return why a key is refused, or None."""
    if not trim_key(key):
        return "Secret name cannot be empty."
    if ":" in key or "/" in key:
        return "Secret name cannot contain colon or forward slash."
    return None


def trim_value(value: str) -> str:
    """Return a value as the server keeps it: trimmed but for one trailing newline."""
    return value.strip(_BLANK) + ("\n" if value.endswith("\n") else "")


def target_of(call: Call, fields: Fields, action: str) -> Target:
    """Return the target of a write; finishes the fields and checks the role."""
    if "/v3/" in call.request.path:
        project_id = project_by_id_or_slug(call, fields, "projectSlug") or ""
    else:
        project_id = fields.text("projectId")
    slug = fields.text("environment")
    path = normal_path(fields.optional("secretPath") or "/")
    fields.finish()
    project = call.project(project_id)
    require(project, call.identity, action)
    return Target(project, slug, path)


def create_secret(call: Call) -> Response:
    """POST /api/v4/secrets/:secretName."""
    fields = Fields(call.body)
    name = Fields(call.request.params, issues=fields.issues).text("secretName", key_problem)
    fields.text("secretValue")
    target = target_of(call, fields, "create")
    folder, key = target.folder("CreateSecret"), trim_key(name)
    if key in folder.secrets:
        raise bad_request("Secret already exists")
    secret = add(folder, key, fields.source, call.state.clock.stamp())
    return json_response({"secret": created(secret, target.project.id, target.environment)})


def update_secret(call: Call) -> Response:
    """PATCH /api/v4/secrets/:secretName; answers "" for what was not sent, though it is kept."""
    fields = Fields(call.body)
    new_name = fields.optional("newSecretName")
    target = target_of(call, fields, "edit")
    folder, key = target.folder("UpdateSecret"), call.request.params["secretName"]
    if key not in folder.secrets:
        raise not_found(f"Secret with name {key} not found")
    if new_name is not None and new_name != key and new_name in folder.secrets:
        raise bad_request("Secret with the new name already exists")
    secret = change(folder, key, fields.source, call.state.clock.stamp())
    shape = updated(secret, target.project.id, target.environment)
    unsent = {"secretValue", "secretComment"} - fields.source.keys()
    return json_response({"secret": shape | dict.fromkeys(unsent, "")})


def delete_secret(call: Call) -> Response:
    """DELETE /api/v4/secrets/:secretName, with a JSON body."""
    fields = Fields(call.body)
    target = target_of(call, fields, "delete")
    folder, key = target.folder("DeleteSecret"), call.request.params["secretName"]
    if key not in folder.secrets:
        raise not_found(f"Secret with name '{key}' not found")
    secret = folder.secrets.pop(key)
    folder.last_secret_modified = call.state.clock.stamp()
    return json_response({"secret": deleted(secret, target.project.id, target.environment)})


def add(folder: Folder, key: str, entry: Any, now: str) -> Secret:
    """Put a new secret into a folder."""
    secret = Secret(fresh_id(), key, trim_value(entry.get("secretValue", "")), now, now)
    _fill(secret, entry)
    secret.keep()
    folder.secrets[key] = secret
    folder.last_secret_modified = now
    return secret


def change(folder: Folder, key: str, entry: Any, now: str) -> Secret:
    """Update a secret; its version rises even where nothing differs."""
    secret = folder.secrets.pop(key)
    if "secretValue" in entry:
        secret.value = trim_value(entry["secretValue"])
    _fill(secret, entry)
    secret.key = trim_key(entry.get("newSecretName", key))
    secret.version += 1
    secret.updated_at = now
    secret.keep()
    folder.secrets[secret.key] = secret
    folder.last_secret_modified = now
    return secret


def _fill(secret: Secret, entry: Any) -> None:
    secret.comment = entry.get("secretComment", secret.comment)
    secret.metadata = entry.get("secretMetadata", secret.metadata)
    secret.skip_multiline = entry.get("skipMultilineEncoding", secret.skip_multiline)
    secret.reminder_note = entry.get("secretReminderNote", secret.reminder_note)
    secret.reminder_days = entry.get("secretReminderRepeatDays", secret.reminder_days)
