"""Imports: `POST /api/v2/secret-imports`, and the secrets that come through them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.fakes.infisical.call import Call
from tests.fakes.infisical.errors import not_found
from tests.fakes.infisical.expansion import Expander
from tests.fakes.infisical.folders import environment_of, normal_path
from tests.fakes.infisical.ids import fresh_id
from tests.fakes.infisical.messages import Response, json_response
from tests.fakes.infisical.model import Folder, Import, Project, Secret
from tests.fakes.infisical.roles import require
from tests.fakes.infisical.schema import Fields
from tests.fakes.infisical.shapes import hidden, imported


@dataclass(slots=True, frozen=True)
class Imported:
    """One imported secret and where it really lives."""

    secret: Secret
    environment: str
    folder: Folder


def create_import(call: Call) -> Response:
    """POST /api/v2/secret-imports: a repeat succeeds and makes another link."""
    fields = Fields(call.body)
    project_id, slug = fields.text("projectId"), fields.text("environment")
    path = normal_path(fields.optional("path") or "/")
    origin = Fields(fields.value("import", "object", required=True) or {}, ("import",))
    from_slug, from_path = origin.text("environment"), normal_path(origin.text("path"))
    fields.issues += origin.issues
    fields.finish()
    project = call.project(project_id)
    require(project, call.identity, "create", "secret-imports")
    folder = environment_of(project, slug).folders.get(path)
    if folder is None:
        raise not_found(f"Folder with path '{path}' not found in environment with slug '{slug}'")
    source = environment_of(project, from_slug)
    now = call.state.clock.stamp()
    link = Import(fresh_id(), source.slug, from_path, len(folder.imports) + 1, now)
    folder.imports.append(link)
    shape = _shape(link, folder) | {
        "importEnv": {"name": source.name, "slug": source.slug, "id": source.id}
    }
    return json_response({"message": "Successfully created secret import", "secretImport": shape})


def _shape(link: Import, folder: Folder) -> dict[str, Any]:
    return {
        "id": link.id,
        "version": 1,
        "importPath": link.path,
        "position": link.position,
        "createdAt": link.created_at,
        "updatedAt": link.created_at,
        "folderId": folder.id,
        "isReplication": False,
        "isReplicationSuccess": None,
        "replicationStatus": None,
        "lastReplicated": None,
        "isReserved": False,
    }


def sources(project: Project, folders: list[Folder]) -> list[tuple[str, Folder]]:
    """Return the folders that some folders import, in order, each once."""
    found: dict[tuple[str, str], Folder] = {}
    for folder in folders:
        for link in folder.imports:
            origin = project.folder(link.environment, link.path)
            if origin is not None:
                found.setdefault((link.environment, link.path), origin)
    return [(environment, origin) for (environment, _), origin in found.items()]


def reachable(
    project: Project, environment: str, folder: Folder, seen: set[str] | None = None
) -> Iterator[Imported]:
    """Give a folder's secrets and, behind them, those that it imports itself; cycles end."""
    seen = set() if seen is None else seen
    if folder.id in seen:
        return
    seen.add(folder.id)
    for key in sorted(folder.secrets):
        yield Imported(folder.secrets[key], environment, folder)
    for deeper_environment, deeper in sources(project, [folder]):
        yield from reachable(project, deeper_environment, deeper, seen)


def listed_imports(project: Project, folders: list[Folder], *, mask: bool) -> list[dict[str, Any]]:
    """Return the `imports` of a listing: always expanded, unresolvable references literal."""
    expander = Expander(project, literal=True)
    answer = []
    for environment, origin in sources(project, folders):
        entries: dict[str, dict[str, Any]] = {}
        for one in reachable(project, environment, origin):
            shape = imported(one.secret, one.environment)
            value = expander.expand(one.secret.value, one.environment, one.folder)
            entries.setdefault(
                one.secret.key, hidden(shape | {"secretValue": value}, is_hidden=mask)
            )
        answer.append(
            {
                "secretPath": origin.path,
                "environment": environment,
                "folderId": origin.id,
                "secrets": list(entries.values()),
            }
        )
    return answer


def find_imported(project: Project, folder: Folder, key: str) -> Imported | None:
    """Return a key that a folder gets by import; of several imports the last wins."""
    for environment, origin in reversed(sources(project, [folder])):
        for one in reachable(project, environment, origin):
            if one.secret.key == key:
                return one
    return None
