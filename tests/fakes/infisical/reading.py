"""`GET /api/v4/secrets/:secretName` and its older form under `/api/v3/secrets/raw`."""

from typing import Any

from tests.fakes.infisical.call import Call
from tests.fakes.infisical.errors import folder_not_found, not_found, validation_failure
from tests.fakes.infisical.expansion import Expander
from tests.fakes.infisical.folders import normal_path
from tests.fakes.infisical.imports import find_imported
from tests.fakes.infisical.listing import project_by_id_or_slug
from tests.fakes.infisical.messages import Response, json_response
from tests.fakes.infisical.model import Folder, Project, Secret
from tests.fakes.infisical.roles import require
from tests.fakes.infisical.schema import Fields, custom
from tests.fakes.infisical.shapes import core, hidden, read

_OPERATION = "GetSecretByName"


def get_v4(call: Call) -> Response:
    """GET /api/v4/secrets/:secretName."""
    fields = Fields(call.request.query)
    project_id = fields.text("projectId")
    return _get(call, fields, project_id, imports="includeImports", default=True)


def get_v3(call: Call) -> Response:
    """GET /api/v3/secrets/raw/:secretName."""
    fields = Fields(call.request.query)
    project_id = project_by_id_or_slug(call, fields, "workspaceSlug") or ""
    return _get(call, fields, project_id, imports="include_imports", default=False)


def _get(call: Call, fields: Fields, project_id: str, *, imports: str, default: bool) -> Response:
    slug, path = fields.text("environment"), normal_path(fields.optional("secretPath") or "/")
    version = fields.optional("version")
    expand = fields.flag("expandSecretReferences", default=default)
    with_imports = fields.flag(imports, default=default)
    view = fields.flag("viewSecretValue", default=True)
    fields.choice("type", ["shared", "personal"], "shared")
    fields.finish()
    project = call.project(project_id)
    require(project, call.identity, "readValue" if view else "describeSecret")
    folder = project.folder(slug, path)
    if folder is None:
        raise folder_not_found(slug, path, _OPERATION)
    key = call.request.params["secretName"]
    secret = folder.secrets.get(key)
    if secret is not None and version is not None:
        shape = _old_version(secret, project, slug, folder, version)
    elif secret is not None:
        shape = read(secret, project.id, slug, folder.path)
        if expand:
            shape["secretValue"] = Expander(project).expand(secret.value, slug, folder)
    else:
        shape = _through_import(project, folder, key, allowed=with_imports)
    return json_response({"secret": hidden(shape, is_hidden=not view)})


def _through_import(project: Project, folder: Folder, key: str, *, allowed: bool) -> dict[str, Any]:
    one = find_imported(project, folder, key) if allowed else None
    if one is None:
        raise not_found(f"Secret with name '{key}' not found")
    shape = read(one.secret, project.id, one.environment, one.folder.path)
    expander = Expander(project, literal=True)
    shape["secretValue"] = expander.expand(one.secret.value, one.environment, one.folder)
    return shape


def _old_version(
    secret: Secret, project: Project, slug: str, folder: Folder, version: str
) -> dict[str, Any]:
    if not version.isascii() or not version.isdigit():
        raise validation_failure([custom("Expected number, received nan", ("version",))])
    kept = secret.history.get(int(version))
    if kept is None:
        raise not_found(f"Secret with name '{secret.key}' not found")
    shape = core(secret, project.id, slug) | {"secretPath": folder.path}
    return shape | {
        "version": kept.version,
        "secretValue": kept.value,
        "secretComment": kept.comment,
        "updatedAt": kept.updated_at,
    }
