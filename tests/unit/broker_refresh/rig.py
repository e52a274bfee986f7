"""A refresher before an Infisical that answers as told: real classification, no network."""

import asyncio
import io
import json
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from psi.broker.cache import CacheKey, MemoryCache
from psi.broker.cache_keeper import MemoryKeeper
from psi.broker.infisical.answer import classify_answer
from psi.broker.infisical.listing import Entry, Etag, Listing
from psi.broker.infisical.outcome import Kind, UpstreamError, bad_value, foreign
from psi.broker.policy import Policy
from psi.broker.refresh import Refresher
from psi.broker.refresh_reader import RefreshReader
from psi.broker.refresh_tally import Tally
from psi.broker.withdrawal import Withdrawals
from psi.shared.audit import Audit
from psi.shared.limits import Limits
from psi.shared.projection import (
    BrokerProjection,
    Coordinate,
    Infisical,
    Project,
    Source,
    UniversalAuth,
    WorkloadConfig,
)
from psi.shared.secret import SecretBytes
from tests.unit.broker_cache.rig import HandClock

T = TypeVar("T")
LIMITS = Limits(withdrawal_seconds=600)
TEN_MINUTES = 600


def genuine(status: int, error: str, message: str = "said so") -> UpstreamError:
    """Return what an answer of Infisical's own is taken for."""
    body = {"reqId": "req-1", "statusCode": status, "error": error, "message": message}
    return classify_answer(status, {}, json.dumps(body).encode())


def strange(status: int, body: bytes = b"<html>no</html>") -> UpstreamError:
    """Return what an answer of somebody else is taken for."""
    return classify_answer(status, {}, body)


OUTAGE = UpstreamError(Kind.TRANSPORT, "the connection is refused")
DENIED = genuine(403, "PermissionDenied", "You are not allowed to readValue on secrets")
NO_MEMBER = genuine(403, "ProjectMembershipNotFound", "not a member of the project")
NO_FOLDER = genuine(404, "NotFound", "Folder with path '/app' not found")
HARMLESS = {
    "outage": OUTAGE,
    "401": genuine(401, "UnauthorizedError", "token revoked"),
    "untrusted address": genuine(403, "PermissionDenied", "IP address 192.0.2.1 is not trusted"),
    "failed expansion": genuine(403, "PermissionDenied", "cannot expand secret reference"),
    "other 403": genuine(403, "Forbidden", "a web application firewall"),
    "foreign 404": strange(404),
    "404 without reqId": strange(404, b'{"message": "Route not found", "statusCode": 404}'),
    "HTML": foreign("HTML", 200),
    "502": strange(502),
    "429": genuine(429, "RateLimitExceeded"),
}


class Upstream:
    """Folders by (project, path); an exception in place of a folder or a value is raised."""

    def __init__(self) -> None:
        self.folders: dict[tuple[str, str], dict[str, bytes | None] | UpstreamError] = {}
        self.singles: dict[tuple[str, str, str], bytes | UpstreamError | None] = {}
        self.extra: list[Entry] = []
        self.shallow = False
        """Whether a recursive listing lacks what is below, as it does for some imports."""
        self.listed: list[tuple[str, str]] = []
        self.read: list[tuple[str, str, str]] = []

    async def list_folder(
        self, project: str, environment: str | None, path: str, *, recursive: bool
    ) -> Listing:
        assert environment is None
        self.listed.append((project, path))
        await asyncio.sleep(0)
        folder = self.folders.get((project, path), {})
        if isinstance(folder, UpstreamError):
            raise folder
        below = path.rstrip("/") + "/"
        inside = [
            (where, content)
            for (owner, where), content in self.folders.items()
            if owner == project and recursive and not self.shallow and where.startswith(below)
        ]
        found = [(path, folder), *inside]
        entries = [
            _entry(where, key, text)
            for where, content in found
            if not isinstance(content, UpstreamError)
            for key, text in content.items()
        ]
        return Listing((*entries, *self.extra))

    async def list_if_changed(
        self, project: str, path: str, *, recursive: bool, etag: Etag | None
    ) -> Listing:
        assert etag is None, "none was given"
        return await self.list_folder(project, None, path, recursive=recursive)

    async def get_secret(
        self, project: str, environment: str | None, path: str, key: str
    ) -> SecretBytes:
        assert environment is None
        self.read.append((project, path, key))
        await asyncio.sleep(0)
        folder = self.folders.get((project, path), {})
        inside = {} if isinstance(folder, UpstreamError) else folder
        found = self.singles.get((project, path, key), inside.get(key, NO_FOLDER))
        if isinstance(found, UpstreamError):
            raise found
        if found is None:
            raise bad_value(key, "it is masked")
        return SecretBytes(found)


def _entry(path: str, key: str, text: bytes | None) -> Entry:
    value = None if text is None else SecretBytes(text)
    return Entry(key, path, value, None if value else "its value is masked")


def source(path: str = "/app", project: str = "one", *, recursive: bool = False) -> Source:
    return Source(project=project, path=path, recursive=recursive)


def key(name: str, path: str = "/app", project: str = "one") -> CacheKey:
    return CacheKey(f"id-{project}", "prod", path, name)


def identity(name: str) -> UniversalAuth:
    return UniversalAuth(client_id=name, client_secret=SecretBytes(b"s"))


def projection(*sources: Source, own: tuple[str, ...] = (), **fields: Any) -> BrokerProjection:
    """Return a configuration; the projects in ``own`` have identities of their own."""
    projects = {
        alias: Project(
            id=f"id-{alias}", environment="prod", auth=identity(alias) if alias in own else None
        )
        for alias in ("one", "two")
    }
    given: dict[str, Any] = {
        "generation": 1,
        "config_sha256": "ab" * 32,
        "state_dir": "/nonexistent",
        "infisical": Infisical(api_url="http://x", auth=identity("global"), projects=projects),
        "cache": "memory",
        "workloads": {"app": WorkloadConfig(unit="app.container", sources=list(sources))},
    }
    return BrokerProjection(**given | fields)


def allowed(name: str, path: str = "/shared", project: str = "one") -> Coordinate:
    return Coordinate(project=project, path=path, key=name)


@dataclass
class Rig:
    """A refresher and what is around it; ``configure`` is a restart with another projection."""

    config: BrokerProjection
    stale: float | None = None
    upstream: Upstream = field(default_factory=Upstream)
    clock: HandClock = field(default_factory=HandClock)
    lines: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self.memory = MemoryCache(self.clock, self.stale)
        self.configure(self.config)

    def configure(self, config: BrokerProjection) -> None:
        policy = Policy(config)
        self.refresher = Refresher(
            config,
            policy,
            RefreshReader(config, self.upstream, self.memory, LIMITS),
            self.memory,
            MemoryKeeper(self.memory),
            Withdrawals(self.memory, LIMITS),
            Audit(full=False, interval_seconds=3600, stream=self.lines),
        )

    def has(self, folder: dict[str, bytes | None] | UpstreamError, **where: str) -> None:
        """Have a folder hold this, or fail with it."""
        self.upstream.folders[where.get("project", "one"), where.get("path", "/app")] = folder

    def refresh(self, *, confirm: bool = False) -> Tally:
        async def bounded() -> Tally:
            async with asyncio.timeout(20):
                return await self.refresher.refresh(confirm=confirm)

        return asyncio.run(bounded())

    def twice(self, *, confirm: bool = False) -> Tally:
        """Refresh, wait ten minutes, refresh."""
        self.refresh(confirm=confirm)
        self.clock.advance(TEN_MINUTES)
        return self.refresh(confirm=confirm)

    def served(self, name: str, path: str = "/app", project: str = "one") -> bytes | None:
        value = self.memory.get(key(name, path, project))
        return None if value is None else value.reveal()

    def names(self) -> set[str]:
        return {each.key for each in self.memory.coordinates()}

    def audited(self) -> list[str]:
        """Return the audit's lines of withdrawals."""
        return [line for line in self.lines.getvalue().splitlines() if "secret-withdrawn" in line]


def told(tally: Tally) -> str:
    return " | ".join(f"{each.subject}: {each.detail}" for each in tally.findings)


def with_allow(config: BrokerProjection, *names: str) -> BrokerProjection:
    return msgspec.structs.replace(config, allow=[allowed(name) for name in names])


def run(work: Coroutine[Any, Any, T]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(30):
            return await work

    return asyncio.run(bounded())
