"""What psictl can ask the broker about what it keeps, and what can start without Infisical."""

from typing import Annotated, Literal

from msgspec import Meta

from psi.shared.limits import PAGE_ITEMS
from psi.shared.messages.base import (
    Alias,
    Counter,
    Cursor,
    Detail,
    Key,
    Path,
    Reply,
    Request,
    SecretId,
    ShortText,
    Timestamp,
    Workload,
)
from psi.shared.messages.broker import Finding, SealedName
from psi.shared.names import UNIT_PATTERN
from psi.shared.secret import SecretBytes


class CacheStatus(Request, frozen=True):
    """How the persistent cache is."""

    verify: bool = False
    """Decrypt the file and count, which needs the sealer."""


class CacheStatusReply(Reply, frozen=True):
    """The cache in memory and its file."""

    backend: Literal["none", "memory", "tpm", "hsm", "software"]
    state: Literal["off", "loading", "loaded", "unreadable"]
    """``unreadable``: a file is there and cannot be opened; it is kept and never overwritten."""
    detail: Detail
    """Cause and remedy while unreadable or while writes fail."""
    entries: Counter
    stale: Counter
    """Entries past ``max_stale``, kept and not served."""
    withdrawing: Counter
    """Entries seen to be gone once; a second observation removes them (r9)."""
    file_bytes: Counter
    written_at: Timestamp
    """Of the file; 0 if there is none."""
    generation: Counter
    """Of the file."""
    writes: Counter
    """Since the start."""
    pending: bool
    """Whether additions wait to be written."""
    unreadable: Annotated[list[ShortText], Meta(max_length=16)]
    """Files kept as ``cache.enc.unreadable-TIME``, the newest first."""
    refreshed_at: Timestamp
    """Of the last whole refresh; 0 if none."""
    sealer: ShortText
    """The sealer's state, or why it is not reachable."""
    verified: Counter
    """Entries that ``verify`` decrypted from the file."""


class Refresh(Request, frozen=True):
    """List every source once and bring the cache in line; answered when it is done."""

    confirm: bool = False
    """Withdraw more than half of a source too, after its second observation (r9)."""
    cursor: Cursor = 0
    """Of the findings."""


class RefreshReply(Reply, frozen=True):
    """What a refresh did; a source that failed keeps what it had."""

    sources: Counter
    failed: Counter
    added: Counter
    changed: Counter
    unchanged: Counter
    withdrawn: Counter
    withdrawing: Counter
    findings: Annotated[list[Finding], Meta(max_length=PAGE_ITEMS)]
    next: Cursor = 0


class Invalidate(Request, frozen=True):
    """Drop cached values, on disk before this is acknowledged; the next lookup goes live."""

    secret_id: SecretId | None = None
    """By Podman's id."""
    project: Alias | None = None
    """With path and key: by coordinate."""
    path: Path | None = None
    key: Key | None = None
    everything: bool = False
    """All of them."""


class InvalidateReply(Reply, frozen=True):
    """How many entries were dropped."""

    dropped: Counter


class SealSecret(Request, frozen=True):
    """Keep a local secret, encrypted with a data key from the sealer."""

    name: SealedName
    value: SecretBytes
    replace: bool = False


Unit = Annotated[str, Meta(pattern=UNIT_PATTERN, max_length=80)]
Revision = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z", max_length=32)]


class DescribeWorkload(Request, frozen=True):
    """How a workload is configured; Infisical is not asked."""

    workload: Workload


class DescribeWorkloadReply(Reply, frozen=True):
    """What tells whether a registration is still the one that the configuration asks for."""

    unit: Unit
    revision: Revision
    """A digest of all that a registration follows from: it changes when that does."""


class ListHeld(Request, frozen=True):
    """The ids whose value a lookup would get from memory; Infisical is not asked."""

    cursor: Cursor = 0


class ListHeldReply(Reply, frozen=True):
    """One page: those held, of as many mappings as a page of ListMappings has."""

    held: Annotated[list[SecretId], Meta(max_length=PAGE_ITEMS)]
    next: Cursor
