"""What psictl may ask; no lock is held across a reply, so setup cannot deadlock (r27)."""

from collections.abc import Coroutine
from typing import Any, assert_never

from psi.broker.cache_control import CacheControl
from psi.broker.control_reads import SecretReader
from psi.broker.discovery import Discovery, Item
from psi.broker.identities import Identities
from psi.broker.mapping import Coordinate, SealedName
from psi.broker.mapping_store import MappingStore
from psi.broker.paging import Pages, page_at
from psi.broker.sealed_store import SealedStore
from psi.broker.status import StatusReport
from psi.shared.audit import Audit, AuditEvent
from psi.shared.limits import PAGE_ITEMS, Limits
from psi.shared.messages.base import Done, Reply
from psi.shared.messages.broker import (
    BrokerStatus,
    Discover,
    Discovered,
    DiscoverReply,
    Finding,
    ListMappings,
    ListMappingsReply,
    ListWorkloads,
    ListWorkloadsReply,
    MappingEntry,
    ReadSecrets,
    SealedEntry,
    TestLogin,
)
from psi.shared.messages.broker_cache import (
    CacheStatus,
    DescribeWorkload,
    DescribeWorkloadReply,
    Invalidate,
    ListHeld,
    ListHeldReply,
    Refresh,
    SealSecret,
)
from psi.shared.peer import Peer

KeepingRequest = CacheStatus | Refresh | Invalidate | SealSecret
ControlRequest = (
    Discover
    | ListWorkloads
    | ListMappings
    | TestLogin
    | ReadSecrets
    | BrokerStatus
    | DescribeWorkload
    | ListHeld
    | KeepingRequest
)


class ControlHandler:
    """Answers root's psictl."""

    def __init__(
        self,
        store: MappingStore,
        discovery: Discovery,
        reader: SecretReader,
        identities: Identities,
        status: StatusReport,
        cache: CacheControl,
        sealed: SealedStore,
        audit: Audit,
        limits: Limits,
    ) -> None:
        self._cache = cache
        self._sealed = sealed
        self._store = store
        self._discovery = discovery
        self._reader = reader
        self._identities = identities
        self._status = status
        self._audit = audit
        self._pages: Pages[Item] = Pages(limits)

    def __call__(self, request: ControlRequest, peer: Peer) -> Reply | Coroutine[Any, Any, Reply]:
        """Answer at once where nothing must be waited for."""
        match request:
            case Discover():
                return self._discover(request)
            case ListWorkloads():
                return self._list_workloads(request)
            case ListMappings():
                return self._list_mappings(request)
            case TestLogin():
                self._record(request, AuditEvent.LOGIN_TESTED, peer)
                return self._identities.test(request)
            case ReadSecrets():
                where = {"project": request.project, "path": request.path}
                self._record(request, AuditEvent.READ, peer, **where)
                return self._reader.read(request)
            case BrokerStatus():
                return self._status.report(request)
            case DescribeWorkload():
                return self._describe(request)
            case ListHeld():
                return self._list_held(request)
            case CacheStatus() | Refresh() | Invalidate() | SealSecret():
                return self._kept(request, peer)
            case _:
                assert_never(request)

    def _kept(self, request: KeepingRequest, peer: Peer) -> Coroutine[Any, Any, Reply]:
        match request:
            case CacheStatus():
                return self._cache.status(request)
            case Refresh():
                return self._cache.refresh(request)
            case Invalidate():
                self._audit.record(AuditEvent.INVALIDATED, uid=peer.uid, pid=peer.pid)
                return self._cache.invalidate(request)
            case SealSecret():
                self._audit.record(AuditEvent.SEALED, name=request.name, uid=peer.uid, pid=peer.pid)
                return self._seal(request)
            case _:
                assert_never(request)

    def _record(
        self, request: TestLogin | ReadSecrets, event: AuditEvent, peer: Peer, **fields: object
    ) -> None:
        """Audit a command once, not each of its pages."""
        if not request.cursor:
            self._audit.record(event, **fields, uid=peer.uid, pid=peer.pid)

    async def _seal(self, request: SealSecret) -> Reply:
        await self._sealed.store(request.name, request.value, replace=request.replace)
        return Done(id=request.id)

    async def _discover(self, request: Discover) -> Reply:
        workload = self._discovery.workload(request.workload)
        if request.cursor:
            items, following = self._pages.follow(request.cursor, PAGE_ITEMS)
        else:
            found = await self._discovery.discover(workload)
            items, following = self._pages.begin(found, PAGE_ITEMS)
        return DiscoverReply(
            id=request.id,
            unit=workload.unit,
            depends_on=workload.depends_on,
            secrets=[item for item in items if isinstance(item, Discovered)],
            findings=[item for item in items if isinstance(item, Finding)],
            next=following,
        )

    def _describe(self, request: DescribeWorkload) -> Reply:
        workload = self._discovery.workload(request.workload)
        revision = self._discovery.revision(workload)
        return DescribeWorkloadReply(id=request.id, unit=workload.unit, revision=revision)

    def _list_held(self, request: ListHeld) -> Reply:
        page, following = page_at(self._store.entries(), request.cursor, PAGE_ITEMS)
        held = [secret_id for secret_id, target in page if self._cache.holds(target)]
        return ListHeldReply(id=request.id, held=held, next=following)

    def _list_workloads(self, request: ListWorkloads) -> Reply:
        names, following = page_at(self._discovery.names, request.cursor, PAGE_ITEMS)
        return ListWorkloadsReply(id=request.id, workloads=list(names), next=following)

    def _list_mappings(self, request: ListMappings) -> Reply:
        page, following = page_at(self._store.entries(), request.cursor, PAGE_ITEMS)
        return ListMappingsReply(
            id=request.id,
            mappings=[
                MappingEntry(secret_id=secret_id, project=t.project, path=t.path, key=t.key)
                for secret_id, t in page
                if isinstance(t, Coordinate)
            ],
            sealed=[
                SealedEntry(secret_id=secret_id, name=t.name)
                for secret_id, t in page
                if isinstance(t, SealedName)
            ],
            next=following,
        )
