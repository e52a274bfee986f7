"""What the broker can be asked, by the frontend and by psictl, and what it answers."""

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta, field

from psi.shared.limits import BODY_BYTES, DEPENDENCIES, PAGE_ITEMS
from psi.shared.messages.base import (
    Alias,
    Counter,
    Cursor,
    Detail,
    Item,
    Key,
    Path,
    Reply,
    Request,
    SecretId,
    ShortText,
    Slug,
    Timestamp,
    Workload,
)
from psi.shared.names import ENVIRONMENT_NAME_PATTERN
from psi.shared.projection import KeyOptions, SystemdUnit, Unit
from psi.shared.secret import SecretBytes

SealedName = Annotated[str, Meta(pattern=ENVIRONMENT_NAME_PATTERN, max_length=128)]
"""The name of a local secret, and of the Podman secret that stands for it."""


class BrokerError(StrEnum):
    """Why the broker refuses; the frontend maps each to an HTTP status."""

    UNKNOWN_ID = "unknown-id"
    """No mapping has this id."""
    BAD_MAPPING = "bad-mapping"
    """The mapping is no JSON of the one known form, or too large."""
    FORBIDDEN = "forbidden"
    """The coordinate lies in no configured workload's sources and not in ``allow`` (r5)."""
    CONFLICT = "conflict"
    """The id exists with other content: a store only creates (r5)."""
    FULL = "full"
    """The mapping store is at its limit, or the disk refuses."""
    ABSENT = "absent"
    """Infisical says that the secret, folder or environment does not exist."""
    BAD_VALUE = "bad-value"
    """The value is masked, empty or too large to be handed to Podman (r33)."""
    REFUSED = "refused"
    """Infisical refuses our credential or denies this identity the secret."""
    FOREIGN = "foreign"
    """Whatever answered is not Infisical: HTML, a redirect, a reply too large or malformed."""
    LIMITED = "limited"
    """Infisical's rate limit."""
    UNREACHABLE = "unreachable"
    """No answer from Infisical: refused, reset, timed out, DNS, TLS, or a 5xx."""
    UNSERVED = "unserved"
    """Configured, but this version cannot do it yet."""
    UNKNOWN_NAME = "unknown-name"
    """No such workload or project in the configuration."""
    STALE_CURSOR = "stale-cursor"
    """The list this cursor belongs to is gone: begin again."""
    STALE = "stale"
    """The kept value is past ``max_stale`` and Infisical does not answer."""
    SEALER = "sealer"
    """The sealer is not reachable, not provisioned, or its device refuses."""
    EXISTS = "exists"
    """A sealed secret has this name, and ``replace`` was not given."""
    DRAINING = "draining"
    """The broker is stopping."""
    INTERNAL = "internal"
    """A fault of the broker; its log has the cause."""


class Lookup(Request, frozen=True):
    """The value of one secret, by Podman's id."""

    secret_id: SecretId
    claimed_uid: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    """Of the caller at psi.sock: the frontend's word, for the audit only."""
    claimed_pid: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    """As claimed_uid."""


class LookupReply(Reply, frozen=True):
    """A value, never empty."""

    value: SecretBytes


class StoreMapping(Request, frozen=True):
    """Register a mapping under a new id; equal content under a known id is accepted."""

    secret_id: SecretId
    mapping: Annotated[bytes, Meta(max_length=BODY_BYTES)]
    """JSON as Podman received it from psictl: hostile until parsed."""
    claimed_uid: Annotated[int, Meta(ge=0, le=2**32 - 1)]


class DeleteMapping(Request, frozen=True):
    """Remove a mapping; an unknown id is success, for Podman removes what is half made."""

    secret_id: SecretId
    claimed_uid: Annotated[int, Meta(ge=0, le=2**32 - 1)]


class Ping(Request, frozen=True):
    """Ask whether the broker answers."""


class Pong(Reply, frozen=True):
    """It does."""


class Discover(Request, frozen=True):
    """What a workload's sources hold now: names and coordinates, never values."""

    workload: Workload
    cursor: Cursor = 0


class Discovered(Item, frozen=True):
    """One secret that the workload should have."""

    key: Key
    """Checked as an environment name where its type is env."""
    project: Alias
    path: Path
    options: KeyOptions
    """How it reaches the container."""


class Finding(Item, frozen=True):
    """Something about a source that a person must see."""

    kind: Literal["refused", "notice"]
    """``refused`` sets psictl's exit code; a notice does not."""
    subject: ShortText
    """Key or folder, control characters removed."""
    detail: Detail
    """Cause and remedy."""


class DiscoverReply(Reply, frozen=True):
    """One page of a workload's secrets."""

    unit: Unit
    depends_on: Annotated[list[SystemdUnit], Meta(max_length=DEPENDENCIES)]
    """For After= and Wants=."""
    secrets: Annotated[list[Discovered], Meta(max_length=PAGE_ITEMS)]
    findings: Annotated[list[Finding], Meta(max_length=PAGE_ITEMS)]
    next: Cursor
    """0 at the end."""


class ListWorkloads(Request, frozen=True):
    """The names of all configured workloads."""

    cursor: Cursor = 0


class ListWorkloadsReply(Reply, frozen=True):
    """One page of names, in the configuration's order."""

    workloads: Annotated[list[Workload], Meta(max_length=PAGE_ITEMS)]
    next: Cursor


class ListMappings(Request, frozen=True):
    """All registered mappings, by id."""

    cursor: Cursor = 0


class MappingEntry(Item, frozen=True):
    """A registered coordinate."""

    secret_id: SecretId
    project: Alias
    path: Path
    key: Key


class SealedEntry(Item, frozen=True):
    """A registered sealed secret."""

    secret_id: SecretId
    name: SealedName


class ListMappingsReply(Reply, frozen=True):
    """One page of mappings, ordered by id."""

    mappings: Annotated[list[MappingEntry], Meta(max_length=PAGE_ITEMS)]
    next: Cursor
    sealed: Annotated[list[SealedEntry], Meta(max_length=PAGE_ITEMS)] = field(default_factory=list)


class TestLogin(Request, frozen=True):
    """Log in with every configured identity."""

    retry: bool = False
    """Try a latched credential again (r14)."""
    cursor: Cursor = 0


class LoginResult(Item, frozen=True):
    """How one identity fared."""

    scope: ShortText
    """``global`` or ``project:ALIAS``."""
    method: ShortText
    identity: ShortText
    ok: bool
    detail: Detail
    expires_at: Timestamp
    """Of the token; 0 when not ok."""


class TestLoginReply(Reply, frozen=True):
    """One result per auth configuration: the global one, then by project."""

    results: Annotated[list[LoginResult], Meta(max_length=PAGE_ITEMS)]
    next: Cursor = 0


class ReadSecrets(Request, frozen=True):
    """The values in one folder, for ``psictl infisical env`` and ``write-file``."""

    project: Alias
    path: Path
    environment: Slug | None = None
    """Of the project, unless given."""
    key: Key | None = None
    """Only this one."""
    cursor: Cursor = 0


class SecretEntry(Item, frozen=True):
    """A key and its value."""

    key: Key
    value: SecretBytes


class ReadSecretsReply(Reply, frozen=True):
    """One value a page: a value is at most half a frame, so the largest page always fits."""

    secrets: Annotated[list[SecretEntry], Meta(max_length=1)]
    findings: Annotated[list[Finding], Meta(max_length=PAGE_ITEMS)]
    next: Cursor


class BrokerStatus(Request, frozen=True):
    """How the broker is."""

    cursor: Cursor = 0
    """Of the identities; the rest is the same on every page."""


class IdentityStatus(Item, frozen=True):
    """One identity's token."""

    scope: ShortText
    method: ShortText
    identity: ShortText
    state: Literal["idle", "valid", "refused", "unserved"]
    """``refused`` is latched until the credential changes or a retry (r14)."""
    expires_at: Timestamp


class BrokerStatusReply(Reply, frozen=True):
    """State and counters since the start."""

    version: ShortText
    generation: Counter
    config_sha256: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z", max_length=64)]
    """Of the YAML that the running configuration came from."""
    api_url: Annotated[str, Meta(max_length=1024)]
    backend: Literal["none", "memory", "tpm", "hsm", "software"]
    workloads: Counter
    mappings: Counter
    bad_mappings: Counter
    """Files in the state folder that are no valid mapping; each is named in the log."""
    cached: Counter
    lookups: Counter
    refusals: Counter
    protocol_errors: Counter
    """Connections closed without a reply: they broke the protocol, or may not be made."""
    upstream_requests: Counter
    upstream_ok_at: Timestamp
    """Of the last good answer; 0 if none since the start."""
    upstream_error: Detail
    """The last failure since then; empty if none."""
    identities: Annotated[list[IdentityStatus], Meta(max_length=PAGE_ITEMS)]
    api: ShortText = "unknown"
    """The generation of Infisical's API that the server was found to speak: v4, v3 or unknown."""
    next: Cursor = 0
