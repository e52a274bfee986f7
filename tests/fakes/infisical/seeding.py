"""Builds the state from a seed, past all rules for writing: tests need a hostile Infisical."""

import base64
from typing import Any

from tests.fakes.infisical.certificates import seeding as certificates
from tests.fakes.infisical.folders import make_folder
from tests.fakes.infisical.ids import stable_id
from tests.fakes.infisical.model import (
    DEFAULT_TTL,
    NOT_A_MEMBER,
    Environment,
    Folder,
    Identity,
    Import,
    Project,
    Secret,
)
from tests.fakes.infisical.roles import ROLES
from tests.fakes.infisical.state import State

_ENVIRONMENT_NAMES = {
    "dev": "Development",
    "staging": "Staging",
    "prod": "Production",
    "qa": "QA",
}


def text_of(value: Any) -> str:
    """Return a seeded key or value: a string, or `{"base64": …}` of the very bytes.

    Bytes that are no UTF-8 go to the client as they are, which no real server does.
    """
    if isinstance(value, dict):
        return base64.b64decode(value["base64"], validate=True).decode("utf-8", "surrogateescape")
    return str(value)


def known_role(role: str) -> str:
    """Return the role if it exists.

    Raises:
        ValueError: for an unknown role.

    """
    if role not in ROLES and role not in NOT_A_MEMBER:
        raise ValueError(f"role {role!r} is not one of {sorted([*ROLES, *NOT_A_MEMBER])}")
    return role


def load(state: State, seed: dict[str, Any]) -> None:
    """Put a seed's identities and projects into the state.

    Raises:
        ValueError: for a role that does not exist.
        KeyError: for a field that is missing.

    """
    for entry in seed.get("identities", []):
        identity = _identity(entry)
        state.identities[identity.client_id] = identity
    for entry in seed.get("projects", []):
        project = _project(state, entry)
        state.projects[project.id] = project
        certificates.load(state.certificates, entry, state.clock.milliseconds())


def _identity(entry: dict[str, Any]) -> Identity:
    return Identity(
        id=stable_id("identity", entry["client_id"]),
        client_id=entry["client_id"],
        client_secret=entry["client_secret"],
        name=entry.get("name", entry["client_id"]),
        role=known_role(entry.get("role", "none")),
        ttl=entry.get("ttl", DEFAULT_TTL),
        max_ttl=entry.get("max_ttl", DEFAULT_TTL),
        uses_limit=entry.get("uses_limit", 0),
        token_uses_limit=entry.get("token_uses_limit", 0),
        auth=entry.get("auth", {}),
    )


def _project(state: State, entry: dict[str, Any]) -> Project:
    now = state.clock.stamp()
    project = Project(
        id=entry["id"],
        slug=entry["slug"],
        name=entry.get("name", entry["slug"]),
        type=entry.get("type", "secret-manager"),
        created_at=now,
        updated_at=now,
        kms_certificate_key_id=entry.get("kms_certificate_key_id"),
        members={who: known_role(role) for who, role in entry.get("members", {}).items()},
    )
    for slug in entry.get("environments", ["dev", "staging", "prod"]):
        add_environment(project, slug, now)
    for secret in entry.get("secrets", []):
        put_secret(project, secret, now)
    for link in entry.get("imports", []):
        add_import(project, link, now)
    return project


def add_environment(project: Project, slug: str, now: str) -> None:
    """Add an environment with its root folder."""
    environment = Environment(
        stable_id("environment", project.id, slug), slug, _ENVIRONMENT_NAMES.get(slug, slug.title())
    )
    environment.folders["/"] = Folder(
        stable_id("folder", environment.id, "/"), "root", "/", None, now
    )
    project.environments[slug] = environment


def put_secret(project: Project, entry: dict[str, Any], now: str) -> Secret:
    """Set a secret as it stands, making environment and folders that are missing."""
    slug = entry["environment"]
    if slug not in project.environments:
        add_environment(project, slug, now)
    environment = project.environments[slug]
    folder = make_folder(environment, entry.get("path", "/"), now)
    key, value = text_of(entry["key"]), text_of(entry["value"])
    secret = folder.secrets.get(key)
    if secret is None:
        secret = Secret(stable_id("secret", folder.id, key), key, value, now, now)
        secret.comment = entry.get("comment", "")
        secret.metadata = entry.get("metadata", [])
        folder.secrets[key] = secret
    else:
        secret.value, secret.updated_at = value, now
        secret.version += 1
    secret.keep()
    folder.last_secret_modified = now
    return secret


def add_import(project: Project, entry: dict[str, Any], now: str) -> None:
    """Link a folder to another, making both."""
    environment = project.environments[entry["environment"]]
    folder = make_folder(environment, entry.get("path", "/"), now)
    source = project.environments[entry["from_environment"]]
    origin = make_folder(source, entry["from_path"], now)
    position = len(folder.imports) + 1
    import_id = stable_id("import", folder.id, origin.id, str(position))
    folder.imports.append(Import(import_id, source.slug, origin.path, position, now))
