"""What the fake broker knows: workloads, mappings, values; paged as the real one pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from psi.shared.messages import broker as b
from psi.shared.messages import broker_cache as k
from psi.shared.messages.base import Refused, Reply
from psi.shared.projection import Coordinate, KeyOptions
from psi.shared.secret import SecretBytes
from tests.fakes.broker.keeping import Keeping

T = TypeVar("T")

SHA256 = "ab" * 32


@dataclass
class Workload:
    """One workload's discovery."""

    unit: str
    secrets: list[b.Discovered] = field(default_factory=list)
    findings: list[b.Finding] = field(default_factory=list)
    depends_on: list[str] = field(default_factory=list)
    revision: str = "0" * 32


def discovered(key: str, path: str = "/app", **options: Any) -> b.Discovered:
    """Return a secret of the project ``main``."""
    return b.Discovered(key=key, project="main", path=path, options=KeyOptions(**options))


def finding(kind: Any, subject: str, detail: str) -> b.Finding:
    """Return a finding."""
    return b.Finding(kind=kind, subject=subject, detail=detail)


def _unknown(workload: str) -> Refused:
    return Refused(code="unknown-name", detail=f"there is no workload {workload}")


@dataclass
class World:
    """State that tests fill in; ``page`` is small so that every test pages."""

    workloads: dict[str, Workload] = field(default_factory=dict)
    mappings: dict[str, Coordinate] = field(default_factory=dict)
    values: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    read_findings: list[b.Finding] = field(default_factory=list)
    logins: list[b.LoginResult] = field(default_factory=list)
    identities: list[b.IdentityStatus] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)
    registered: dict[str, str] = field(default_factory=dict)
    """Names of sealed secrets, by secret id."""
    keeping: Keeping = field(default_factory=Keeping)
    not_held: set[str] = field(default_factory=set)
    """Ids whose value is not in memory."""
    page: int = 2

    def add(self, name: str, *secrets: b.Discovered, **fields: Any) -> None:
        """Add a workload with its usual unit."""
        self.workloads[name] = Workload(f"{name}.container", list(secrets), **fields)

    def answer(self, request: Any) -> Reply:
        """Answer as the real broker does."""
        answers: dict[type[Any], Callable[[Any], Reply]] = {
            b.ListWorkloads: self._list,
            b.ListMappings: self._mappings,
            b.Discover: self._discover,
            k.DescribeWorkload: self._describe,
            k.ListHeld: self._held,
            b.ReadSecrets: self._read,
            b.TestLogin: self._logins,
            b.BrokerStatus: self._status,
            k.Refresh: self._refresh,
        }
        answer = answers.get(type(request), self.keeping.answer)
        return answer(request)

    def _list(self, request: b.ListWorkloads) -> Reply:
        names, following = self._cut(list(self.workloads), request.cursor)
        return b.ListWorkloadsReply(workloads=names, next=following)

    def _logins(self, request: b.TestLogin) -> Reply:
        results, following = self._cut(self.logins, request.cursor)
        return b.TestLoginReply(results=results, next=following)

    def _cut(self, items: Sequence[T], cursor: int) -> tuple[list[T], int]:
        end = cursor + self.page
        return list(items[cursor:end]), end if end < len(items) else 0

    def _mappings(self, request: b.ListMappings) -> Reply:
        entries: list[b.MappingEntry | b.SealedEntry] = [
            b.MappingEntry(secret_id=secret_id, project=c.project, path=c.path, key=c.key)
            for secret_id, c in self.mappings.items()
        ]
        entries += [b.SealedEntry(secret_id=i, name=name) for i, name in self.registered.items()]
        entries.sort(key=lambda entry: entry.secret_id)
        page, following = self._cut(entries, request.cursor)
        return b.ListMappingsReply(
            mappings=[entry for entry in page if isinstance(entry, b.MappingEntry)],
            sealed=[entry for entry in page if isinstance(entry, b.SealedEntry)],
            next=following,
        )

    def _held(self, request: k.ListHeld) -> Reply:
        page, following = self._cut(sorted([*self.mappings, *self.registered]), request.cursor)
        return k.ListHeldReply(held=[i for i in page if i not in self.not_held], next=following)

    def _describe(self, request: k.DescribeWorkload) -> Reply:
        workload = self.workloads.get(request.workload)
        if workload is None:
            return _unknown(request.workload)
        return k.DescribeWorkloadReply(unit=workload.unit, revision=workload.revision)

    def _refresh(self, request: k.Refresh) -> Reply:
        findings, following = self._cut(self.keeping.findings, request.cursor)
        return k.RefreshReply(**self.keeping.refreshed, findings=findings, next=following)

    def _discover(self, request: b.Discover) -> Reply:
        workload = self.workloads.get(request.workload)
        if workload is None:
            return _unknown(request.workload)
        items, following = self._cut([*workload.secrets, *workload.findings], request.cursor)
        return b.DiscoverReply(
            unit=workload.unit,
            depends_on=workload.depends_on,
            secrets=[item for item in items if isinstance(item, b.Discovered)],
            findings=[item for item in items if isinstance(item, b.Finding)],
            next=following,
        )

    def _read(self, request: b.ReadSecrets) -> Reply:
        folder = self.values.get((request.project, request.path))
        if folder is None:
            return Refused(code="absent", detail="Infisical has no such folder")
        if request.key is not None and request.key not in folder:
            return Refused(code="absent", detail=f"{request.key} is not in {request.path}")
        entries: list[b.SecretEntry | b.Finding] = [
            b.SecretEntry(key=key, value=SecretBytes(value))
            for key, value in folder.items()
            if request.key in {None, key}
        ]
        items = [*entries, *self.read_findings]
        end = request.cursor + 1
        page = items[request.cursor : end]
        return b.ReadSecretsReply(
            secrets=[item for item in page if isinstance(item, b.SecretEntry)],
            findings=[item for item in page if isinstance(item, b.Finding)],
            next=end if end < len(items) else 0,
        )

    def _status(self, request: b.BrokerStatus) -> Reply:
        page, following = self._cut(self.identities, request.cursor)
        fields = {
            "version": "0.1.0", "generation": 3, "config_sha256": SHA256,
            "api_url": "https://infisical.example", "backend": "memory", "bad_mappings": 0,
            "workloads": len(self.workloads), "mappings": len(self.mappings), "cached": 5,
            "lookups": 7, "refusals": 1, "protocol_errors": 0,
            "upstream_requests": 4, "upstream_ok_at": 1.7e9, "upstream_error": "",
        }  # fmt: skip  # one row of the screen after the other
        return b.BrokerStatusReply(**{**fields, **self.status}, identities=page, next=following)
