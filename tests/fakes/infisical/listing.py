"""`GET /api/v4/secrets` and its older form `GET /api/v3/secrets/raw`."""

from dataclasses import dataclass
from typing import Any

from tests.fakes.infisical.call import Call
from tests.fakes.infisical.errors import bad_request, not_found
from tests.fakes.infisical.etag import content_etag
from tests.fakes.infisical.expansion import Expander
from tests.fakes.infisical.folders import normal_path
from tests.fakes.infisical.imports import listed_imports
from tests.fakes.infisical.messages import Response, json_response
from tests.fakes.infisical.model import Folder, Project
from tests.fakes.infisical.roles import require
from tests.fakes.infisical.schema import Fields
from tests.fakes.infisical.shapes import hidden, read


@dataclass(slots=True, frozen=True)
class Listing:
    """The parameters of one listing."""

    environment: str
    path: str
    expand: bool
    recursive: bool
    imports: bool
    view: bool
    tags: frozenset[str]
    metadata: list[dict[str, str]]


def list_v4(call: Call) -> Response:
    """GET /api/v4/secrets: expansion and imports are on unless refused."""
    fields = Fields(call.request.query)
    project_id = fields.optional("projectId")
    return _list(call, fields, project_id, imports="includeImports", default=True)


def list_v3(call: Call) -> Response:
    """GET /api/v3/secrets/raw: project by id or slug; expansion and imports are off unless asked.

    A slug works only where no id was sent.
    """
    fields = Fields(call.request.query)
    project_id = project_by_id_or_slug(call, fields, "workspaceSlug")
    return _list(call, fields, project_id, imports="include_imports", default=False)


def project_by_id_or_slug(call: Call, fields: Fields, slug_field: str) -> str | None:
    """Return the project id of an older route."""
    project_id, slug = fields.optional("workspaceId"), fields.optional(slug_field)
    if project_id is None and slug is not None:
        project = call.state.project_named(slug)
        if project is None:
            raise not_found(f"Project with slug '{slug}' not found")
        return project.id
    return project_id


def _list(
    call: Call, fields: Fields, project_id: str | None, *, imports: str, default: bool
) -> Response:
    environment, path = fields.optional("environment"), fields.optional("secretPath")
    listing = Listing(
        environment=environment or "",
        path=normal_path(path or "/"),
        expand=fields.flag("expandSecretReferences", default=default),
        recursive=fields.flag("recursive", default=False),
        imports=fields.flag(imports, default=default),
        view=fields.flag("viewSecretValue", default=True),
        tags=frozenset(filter(None, (fields.optional("tagSlugs") or "").split(","))),
        metadata=_metadata_filter(fields.optional("metadataFilter")),
    )
    fields.flag("includePersonalOverrides", default=False)  # a machine identity has none
    fields.finish()
    if not project_id or not environment:
        raise bad_request("Missing project id or environment")
    project = call.project(project_id)
    require(project, call.identity, "list")
    if listing.view:
        require(project, call.identity, "readValue")
    response = json_response(_content(project, listing))
    response.headers["etag"] = content_etag(response.body)
    return response


def _content(project: Project, listing: Listing) -> dict[str, Any]:
    folders = _folders(project, listing)
    found = [_entry(project, listing, folder, key) for folder in folders for key in folder.secrets]
    kept = [entry for entry in found if _is_wanted(entry, listing)]
    kept.sort(key=lambda entry: (entry["secretKey"], entry["secretPath"]))
    imports = listed_imports(project, folders, mask=not listing.view) if listing.imports else []
    return {"secrets": kept, "imports": imports}


def _folders(project: Project, listing: Listing) -> list[Folder]:
    folder = project.folder(listing.environment, listing.path)
    if folder is None:
        raise not_found(
            f"Folder with path '{listing.path}' in environment '{listing.environment}' was not "
            "found. Please ensure the environment slug and secret path is correct.",
            "SecretPathNotFound",
        )
    if not listing.recursive:
        return [folder]
    below = listing.path.rstrip("/") + "/"
    everything = project.environments[listing.environment].folders.values()
    return [
        folder,
        *(one for one in everything if one is not folder and one.path.startswith(below)),
    ]


def _entry(project: Project, listing: Listing, folder: Folder, key: str) -> dict[str, Any]:
    secret = folder.secrets[key]
    shape = read(secret, project.id, listing.environment, folder.path)
    if listing.expand:
        value = Expander(project).expand(secret.value, listing.environment, folder)
        shape["secretValue"] = value
    return hidden(shape, is_hidden=not listing.view)


def _metadata_filter(text: str | None) -> list[dict[str, str]]:
    wanted = []
    for clause in filter(None, (text or "").split("|")):
        pairs = (part.partition("=") for part in clause.split(","))
        wanted.append({name.strip(): value for name, _, value in pairs})
    return wanted


def _is_wanted(entry: dict[str, Any], listing: Listing) -> bool:
    if listing.tags and not any(tag["slug"] in listing.tags for tag in entry["tags"]):
        return False
    for clause in listing.metadata:
        if not any(
            all(item.get(name) == value for name, value in clause.items())
            for item in entry["secretMetadata"]
        ):
            return False
    return True
