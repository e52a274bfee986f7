"""Folders: `/api/v2/folders`, and the making of paths."""

import re
from typing import Any

from tests.fakes.infisical.call import Call
from tests.fakes.infisical.errors import bad_request, not_found
from tests.fakes.infisical.ids import fresh_id, stable_id
from tests.fakes.infisical.messages import Response, json_response
from tests.fakes.infisical.model import Environment, Folder, Project
from tests.fakes.infisical.roles import require
from tests.fakes.infisical.schema import Fields

_NAME = re.compile(r"\A[A-Za-z0-9_-]+\Z")
_BAD_NAME = (
    "Invalid folder name. Only alphanumeric characters, dashes, and underscores are allowed."
)


def normal_path(path: str) -> str:
    """Return a path with a leading and without a trailing slash."""
    return "/" + path.strip().strip("/")


def join(parent: str, name: str) -> str:
    """Return the path of a folder in its parent."""
    return f"{parent.rstrip('/')}/{name}"


def make_folder(environment: Environment, path: str, now: str, *, fresh: bool = False) -> Folder:
    """Return the folder of a path, making it and its parents where they are missing."""
    folder = environment.folders["/"]
    for name in filter(None, path.split("/")):
        where = join(folder.path, name)
        if where not in environment.folders:
            new_id = fresh_id() if fresh else stable_id("folder", environment.id, where)
            environment.folders[where] = Folder(new_id, name, where, folder.id, now)
        folder = environment.folders[where]
    return folder


def environment_of(project: Project, slug: str) -> Environment:
    """Return an environment.

    Raises:
        ApiError: 404 naming the environment and the project.

    """
    environment = project.environments.get(slug)
    if environment is None:
        raise not_found(
            f"Environment with slug '{slug}' in project with ID '{project.id}' not found"
        )
    return environment


def create_folder(call: Call) -> Response:
    """POST /api/v2/folders: make one folder and the parents that are missing."""
    fields = Fields(call.body)
    project_id, slug = fields.text("projectId"), fields.text("environment")
    name = fields.text("name", lambda text: None if _NAME.match(text) else _BAD_NAME)
    parent, description = fields.optional("path"), fields.optional("description")
    fields.finish()
    project = call.project(project_id)
    require(project, call.identity, "create", "secret-folders")
    environment = environment_of(project, slug)
    where = normal_path(parent or "/")
    if join(where, name) in environment.folders:
        raise bad_request(f"Folder with name '{name}' already exists in path '{where}'")
    folder = make_folder(environment, join(where, name), call.state.clock.stamp(), fresh=True)
    folder.description = description
    return json_response({"folder": _shape(folder, environment) | {"path": folder.path}})


def list_folders(call: Call) -> Response:
    """GET /api/v2/folders: a missing path gives an empty list, not an error."""
    fields = Fields(call.request.query)
    project_id, slug = fields.text("projectId"), fields.text("environment")
    base = normal_path(fields.optional("path") or "/")
    recursive = fields.loose_flag("recursive", default=False)
    fields.finish()
    project = call.project(project_id)
    require(project, call.identity, "list")
    environment = environment_of(project, slug)
    everything = environment.folders.values()
    found = [one for one in everything if _is_below(one.path, base, recursive=recursive)]
    found.sort(key=lambda one: (one.path.count("/"), one.name))
    shapes = [_shape(one, environment) for one in found]
    if recursive:
        for one, shape in zip(found, shapes, strict=True):
            shape["relativePath"] = one.path.removeprefix(base.rstrip("/"))
    return json_response({"folders": shapes})


def _is_below(path: str, base: str, *, recursive: bool) -> bool:
    prefix = base.rstrip("/") + "/"
    rest = path.removeprefix(prefix)
    return path != "/" and path.startswith(prefix) and (recursive or "/" not in rest)


def _shape(folder: Folder, environment: Environment) -> dict[str, Any]:
    return {
        "id": folder.id,
        "name": folder.name,
        "version": 1,
        "createdAt": folder.created_at,
        "updatedAt": folder.created_at,
        "envId": environment.id,
        "parentId": folder.parent_id,
        "isReserved": False,
        "description": folder.description,
        "lastSecretModified": folder.last_secret_modified,
    }
