"""What the server knows: identities, and projects with environments, folders and secrets."""

from dataclasses import dataclass, field
from typing import Any

DEFAULT_TTL = 2_592_000  # seconds; Infisical's default for a token's TTL and its maximum
NOT_A_MEMBER = frozenset({"none", "outsider"})


@dataclass(slots=True)
class Identity:
    """A machine identity; times in seconds, 0 uses is unlimited.

    `auth` configures the methods beside universal auth, by the name of their route.
    """

    id: str
    client_id: str
    client_secret: str
    name: str
    role: str
    ttl: int = DEFAULT_TTL
    max_ttl: int = DEFAULT_TTL
    uses_limit: int = 0
    token_uses_limit: int = 0
    auth: dict[str, dict[str, Any]] = field(default_factory=dict)
    uses: int = 0
    failures: int = 0
    failures_until: float = 0.0
    locked_until: float = 0.0


@dataclass(slots=True, frozen=True)
class Snapshot:
    """One kept version of a secret."""

    version: int
    value: str
    comment: str
    updated_at: str


@dataclass(slots=True)
class Secret:
    """A shared secret with all its versions."""

    id: str
    key: str
    value: str
    created_at: str
    updated_at: str
    comment: str = ""
    version: int = 1
    skip_multiline: bool = False
    reminder_note: str | None = None
    reminder_days: float | None = None
    metadata: list[dict[str, Any]] = field(default_factory=list)
    tags: list[dict[str, Any]] = field(default_factory=list)
    history: dict[int, Snapshot] = field(default_factory=dict)

    def keep(self) -> None:
        """Remember the present version, so that `version=N` can be asked for later."""
        self.history[self.version] = Snapshot(
            self.version, self.value, self.comment, self.updated_at
        )


@dataclass(slots=True)
class Import:
    """A link from one folder to the secrets of another."""

    id: str
    environment: str
    path: str
    position: int
    created_at: str


@dataclass(slots=True)
class Folder:
    """A folder of one environment; `path` is absolute, the root's is `/`."""

    id: str
    name: str
    path: str
    parent_id: str | None
    created_at: str
    description: str | None = None
    last_secret_modified: str | None = None
    secrets: dict[str, Secret] = field(default_factory=dict)
    imports: list[Import] = field(default_factory=list)


@dataclass(slots=True)
class Environment:
    """An environment with its folders by path."""

    id: str
    slug: str
    name: str
    folders: dict[str, Folder] = field(default_factory=dict)


@dataclass(slots=True)
class Project:
    """A project; `members` maps client ids to roles and wins over an identity's own role."""

    id: str
    slug: str
    name: str
    type: str
    created_at: str
    updated_at: str
    kms_certificate_key_id: str | None = None
    members: dict[str, str] = field(default_factory=dict)
    environments: dict[str, Environment] = field(default_factory=dict)

    def role_of(self, identity: Identity) -> str:
        """Return the identity's role here; the identity's own role is the default."""
        return self.members.get(identity.client_id, identity.role)

    def folder(self, environment: str, path: str) -> Folder | None:
        """Return a folder, or None when the environment or the path does not exist."""
        found = self.environments.get(environment)
        return found.folders.get(path) if found is not None else None
