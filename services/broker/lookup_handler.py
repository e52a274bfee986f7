"""What the frontend may ask: a value by id, and the life of a mapping.

A cached value is answered at once, without a task: this is the path that a container start
waits on forty times.
"""

from collections.abc import Coroutine
from typing import Any, assert_never

from psi.broker.mapping import BadMapping, SealedName, Target, parse_mapping
from psi.broker.mapping_store import MappingStore
from psi.broker.policy import Policy
from psi.broker.sealed_store import SealedStore
from psi.broker.values import Values
from psi.shared.audit import Audit, AuditEvent
from psi.shared.errors import Refusal
from psi.shared.messages.base import Done, Refused, Reply
from psi.shared.messages.broker import (
    BrokerError,
    DeleteMapping,
    Lookup,
    LookupReply,
    Ping,
    Pong,
    StoreMapping,
)
from psi.shared.peer import Peer
from psi.shared.text import ascii_line

_NOT_FOUND = "no mapping has this id; run psictl setup to register the secret anew"
_FORBIDDEN = "its coordinate is in no workload's sources and not in allow; see psictl apply"
_UNEXPECTED = "a sealed secret is registered by psictl seal, and by nothing else"

FrontendRequest = Lookup | StoreMapping | DeleteMapping | Ping


class LookupHandler:
    """Answers the frontend, which may be compromised: every name is judged again here."""

    def __init__(
        self,
        store: MappingStore,
        policy: Policy,
        values: Values,
        sealed: SealedStore,
        audit: Audit,
    ) -> None:
        self._store = store
        self._sealed = sealed
        self._policy = policy
        self._values = values
        self._audit = audit
        self.lookups = 0
        self.refusals = 0

    def __call__(self, request: FrontendRequest, peer: Peer) -> Reply | Coroutine[Any, Any, Reply]:  # noqa: ARG002  # as Handler
        """Answer at once where nothing must be waited for."""
        match request:
            case Lookup():
                return self._lookup(request)
            case StoreMapping():
                return self._store_mapping(request)
            case DeleteMapping():
                return self._delete(request)
            case Ping():
                return Pong(id=request.id)
            case _:
                assert_never(request)

    def _lookup(self, request: Lookup) -> Reply | Coroutine[Any, Any, Reply]:
        self.lookups += 1
        target = self._store.get(request.secret_id)
        if target is None:
            return self._deny(request, BrokerError.UNKNOWN_ID, _NOT_FOUND)
        if not self._permits(target):
            return self._deny(request, BrokerError.FORBIDDEN, _FORBIDDEN, target)
        value = self._values.cached(target)
        if value is None:
            return self._fetch(request, target)
        self._audit.granted(request.secret_id, "cached", request.claimed_uid, request.claimed_pid)
        return LookupReply(id=request.id, value=value)

    async def _fetch(self, request: Lookup, target: Target) -> Reply:
        try:
            value = await self._values.fetch(target)
        except Refusal as refusal:
            return self._deny(request, refusal.code, refusal.detail, target)
        self._audit.granted(request.secret_id, "live", request.claimed_uid, request.claimed_pid)
        return LookupReply(id=request.id, value=value)

    def _deny(
        self, request: Lookup, code: str, detail: str, target: Target | None = None
    ) -> Refused:
        self.refusals += 1
        self._audit.record(
            AuditEvent.DENIED,
            id=request.secret_id,
            secret=target or "unknown",
            code=code,
            claimed_uid=request.claimed_uid,
            claimed_pid=request.claimed_pid,
        )
        return Refused(id=request.id, code=code, detail=ascii_line(detail))

    async def _store_mapping(self, request: StoreMapping) -> Reply:
        try:
            target = self._judged(request)
            await self._store.store(request.secret_id, target)
            if isinstance(target, SealedName):
                self._sealed.registered(target.name)
        except Refusal as refusal:
            self.refusals += 1
            self._audit.record(
                AuditEvent.STORE_DENIED,
                id=request.secret_id,
                code=refusal.code,
                claimed_uid=request.claimed_uid,
            )
            raise
        self._audit.record(
            AuditEvent.STORED,
            id=request.secret_id,
            secret=target,
            claimed_uid=request.claimed_uid,
        )
        return Done(id=request.id)

    def _judged(self, untrusted: StoreMapping) -> Target:
        try:
            target = parse_mapping(untrusted.mapping)
        except BadMapping as error:
            detail = f"{error}; register secrets with psictl setup"
            raise Refusal(BrokerError.BAD_MAPPING, detail) from error
        if isinstance(target, SealedName) and not self._may_register(untrusted.secret_id, target):
            raise Refusal(BrokerError.FORBIDDEN, _UNEXPECTED)
        if not self._permits(target):
            raise Refusal(BrokerError.FORBIDDEN, _FORBIDDEN)
        return target

    def _may_register(self, secret_id: str, target: SealedName) -> bool:
        """Whether psictl has just sealed it, or this is sent again for a lost answer."""
        return self._store.get(secret_id) == target or self._sealed.expects(target.name)

    def _permits(self, target: Target) -> bool:
        # A sealed name was judged when its mapping was stored, for nothing else can be since.
        return isinstance(target, SealedName) or self._policy.permits(target)

    async def _delete(self, request: DeleteMapping) -> Reply:
        if await self._store.delete(request.secret_id):
            self._audit.forget(request.secret_id)
            self._audit.record(
                AuditEvent.DELETED, id=request.secret_id, claimed_uid=request.claimed_uid
            )
        return Done(id=request.id)
