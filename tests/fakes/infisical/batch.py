"""Batch writes: `/api/v4/secrets/batch`; a batch fails whole when one entry is bad.

Answers come in another order than the request's, as recorded: here in reverse.
"""

from typing import Any

from tests.fakes.infisical.call import Call
from tests.fakes.infisical.errors import bad_request, folder_not_found, not_found, went_wrong
from tests.fakes.infisical.folders import normal_path
from tests.fakes.infisical.messages import Response, json_response
from tests.fakes.infisical.model import Folder, Secret
from tests.fakes.infisical.roles import require
from tests.fakes.infisical.schema import Fields
from tests.fakes.infisical.shapes import created, deleted, updated
from tests.fakes.infisical.writing import Target, add, change, key_problem, target_of, trim_key


def create_batch(call: Call) -> Response:
    """POST /api/v4/secrets/batch."""
    fields = Fields(call.body)
    entries = fields.items("secrets")
    keys = [trim_key(entry.text("secretKey", key_problem)) for entry in entries]
    for entry in entries:
        entry.text("secretValue")
    target = target_of(call, fields, "create")
    folder = target.folder("CreateManySecret")
    taken = [key for key in keys if key in folder.secrets]
    if taken:
        raise bad_request(f"Secret already exists: {','.join(taken)}")
    if len(set(keys)) != len(keys):
        raise went_wrong()
    now = call.state.clock.stamp()
    made = [add(folder, key, entry.source, now) for key, entry in zip(keys, entries, strict=True)]
    return _answer([created(one, target.project.id, target.environment) for one in made])


def update_batch(call: Call) -> Response:
    """PATCH /api/v4/secrets/batch: mode failOnNotFound, ignore or upsert."""
    fields = Fields(call.body)
    mode = fields.choice("mode", ["failOnNotFound", "ignore", "upsert"], "failOnNotFound")
    entries = fields.items("secrets")
    for entry in entries:
        entry.text("secretKey", key_problem)
        entry.optional("secretValue")
    target = target_of(call, fields, "edit")
    if mode == "upsert":
        require(target.project, call.identity, "create")
    plan = [(_folder_of(target, entry), entry.source) for entry in entries]
    if mode == "failOnNotFound":
        _refuse_missing(plan)
    now = call.state.clock.stamp()
    done = [_apply(folder, entry, mode, now) for folder, entry in plan]
    return _answer(
        [updated(one, target.project.id, target.environment) for one in done if one is not None]
    )


def _folder_of(target: Target, entry: Fields) -> Folder:
    path = normal_path(entry.optional("secretPath") or target.path)
    folder = target.project.folder(target.environment, path)
    if folder is None:
        raise folder_not_found(target.environment, path, "UpdateManySecret")
    return folder


def _refuse_missing(plan: list[tuple[Folder, Any]]) -> None:
    missing: dict[str, list[str]] = {}
    for folder, entry in plan:
        if trim_key(entry["secretKey"]) not in folder.secrets:
            missing.setdefault(folder.path, []).append(trim_key(entry["secretKey"]))
    for path, keys in missing.items():
        raise not_found(f"Secret does not exist: {','.join(keys)} in path {path}")


def _apply(folder: Folder, entry: Any, mode: str, now: str) -> Secret | None:
    key = trim_key(entry["secretKey"])
    if key in folder.secrets:
        return change(folder, key, entry, now)
    return add(folder, key, entry, now) if mode == "upsert" else None


def delete_batch(call: Call) -> Response:
    """DELETE /api/v4/secrets/batch, with a JSON body."""
    fields = Fields(call.body)
    keys = [trim_key(entry.text("secretKey", key_problem)) for entry in fields.items("secrets")]
    target = target_of(call, fields, "delete")
    folder = target.folder("DeleteManySecret")
    missing = [key for key in keys if key not in folder.secrets]
    if missing:
        raise not_found(f"Secret does not exist: {','.join(missing)}")
    gone = [folder.secrets.pop(key) for key in dict.fromkeys(keys)]
    folder.last_secret_modified = call.state.clock.stamp()
    return _answer([deleted(one, target.project.id, target.environment) for one in gone])


def _answer(shapes: list[dict[str, Any]]) -> Response:
    return json_response({"secrets": shapes[::-1]})
