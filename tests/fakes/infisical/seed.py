"""Typed builders for seeds, and the seed of the demonstration."""

import base64
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.infisical.certificates.seed import AuthoritySeed, ProfileSeed
from tests.fakes.infisical.ids import stable_id

Text = str | dict[str, str]


def raw(data: bytes) -> Text:
    """Return bytes as a seeded key or value."""
    return {"base64": base64.b64encode(data).decode()}


@dataclass
class IdentitySeed:
    """A machine identity; times in seconds, 0 uses is unlimited."""

    client_id: str
    client_secret: str
    name: str = "identity"
    role: str = "admin"
    ttl: int = 2_592_000
    max_ttl: int = 2_592_000
    uses_limit: int = 0
    token_uses_limit: int = 0
    auth: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Methods beside universal auth, by the name of their route (see auth_methods)."""

    @property
    def id(self) -> str:
        """The identity's id, as the other methods' logins name it."""
        return stable_id("identity", self.client_id)


@dataclass
class ProjectSeed:
    """A project; the methods return it, to be chained."""

    id: str
    slug: str
    name: str = ""
    environments: list[str] = field(default_factory=lambda: ["dev", "prod"])
    members: dict[str, str] = field(default_factory=dict)
    secrets: list[dict[str, Any]] = field(default_factory=list)
    imports: list[dict[str, str]] = field(default_factory=list)
    type: str = "secret-manager"
    kms_certificate_key_id: str | None = None
    authorities: list[AuthoritySeed] = field(default_factory=list)
    profiles: list[ProfileSeed] = field(default_factory=list)

    def secret(self, environment: str, path: str, key: Text, value: Text) -> "ProjectSeed":
        """Add a secret; a dict from `raw` gives keys and values that no real server would take."""
        self.secrets.append({"environment": environment, "path": path, "key": key, "value": value})
        return self

    def secrets_at(self, environment: str, path: str, **values: Text) -> "ProjectSeed":
        """Add several secrets to one folder."""
        for key, value in values.items():
            self.secret(environment, path, key, value)
        return self

    def imports_from(
        self, environment: str, path: str, from_environment: str, from_path: str
    ) -> "ProjectSeed":
        """Import a folder's secrets into another."""
        self.imports.append(
            {
                "environment": environment,
                "path": path,
                "from_environment": from_environment,
                "from_path": from_path,
            }
        )
        return self


@dataclass
class Seed:
    """All that a stand-in starts with."""

    identities: list[IdentitySeed] = field(default_factory=list)
    projects: list[ProjectSeed] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the seed as the JSON object that `--seed` reads."""
        return asdict(self)

    def write(self, path: Path) -> Path:
        """Write the seed file; return its path."""
        path.write_text(json.dumps(self.to_dict()), encoding="utf-8")
        return path


EXAMPLE_CLIENT_ID = "7b6a3c52-9d0e-4b71-8c55-2f1f8f0c1a11"
EXAMPLE_CLIENT_SECRET = "example-client-secret-of-the-stand-in"
EXAMPLE_PROJECT_ID = "3f2b8c1e-5a47-4f0e-9b6d-0c9a7e4d2b10"


def example() -> Seed:
    """Return the demonstration's seed: project `myproject`, environment `prod`, path `/myapp`."""
    project = ProjectSeed(EXAMPLE_PROJECT_ID, "myproject", "My project")
    project.secrets_at(
        "prod",
        "/myapp",
        DB_HOST="db.internal.example.com",
        DB_PORT="5432",
        DB_USER="myapp",
        DB_PASSWORD="correct-horse-battery-staple",
        API_TOKEN="tok_live_51Hx$(not run)\"quoted\" and 'single'",
        MULTI_LINE="first line\nsecond line\n",
    )
    project.secrets_at("prod", "/otherapp", API_TOKEN="of another application")
    identity = IdentitySeed(EXAMPLE_CLIENT_ID, EXAMPLE_CLIENT_SECRET, "example-host", "viewer")
    return Seed([identity], [project])


EXAMPLE = example()
