"""What root's psictl may ask: to make the key, keep its slots, and migrate; all audited."""

from collections.abc import Coroutine
from functools import partial
from typing import Any, assert_never

from psi.sealer.device_jobs import unwrap_foreign
from psi.sealer.device_session import DeviceSession
from psi.sealer.slot_keeper import SlotKeeper
from psi.sealer.status import StatusReport
from psi.shared.audit import Audit, AuditEvent
from psi.shared.errors import Refusal
from psi.shared.messages.base import Done, Reply, Request
from psi.shared.messages.sealer import (
    AddSlot,
    AddSlotReply,
    Provision,
    ProvisionReply,
    Recover,
    RemoveSlot,
    Reseal,
    SealerStatus,
    UnwrapForeign,
    UnwrapForeignReply,
)
from psi.shared.peer import Peer

Change = Provision | AddSlot | RemoveSlot | Recover | Reseal | UnwrapForeign
ControlRequest = Change | SealerStatus


class ControlHandler:
    """Answers root's psictl."""

    def __init__(
        self, keeper: SlotKeeper, session: DeviceSession, status: StatusReport, audit: Audit
    ) -> None:
        self._keeper = keeper
        self._session = session
        self._status = status
        self._audit = audit

    def __call__(self, request: Request, peer: Peer) -> Reply | Coroutine[Any, Any, Reply]:
        """Answer at once where nothing must be waited for."""
        assert isinstance(request, ControlRequest)  # noqa: S101  # the decoder gives nothing else
        if isinstance(request, SealerStatus):
            return self._status.report(request)
        return self._audited(request, peer)

    async def _audited(self, request: Change, peer: Peer) -> Reply:
        """Carry a change out and write its event when the outcome is known."""
        event, fields = _event(request)
        outcome = "interrupted"
        try:
            reply = await self._change(request)
            outcome = "done"
        except Refusal as error:
            outcome = error.code
            raise
        finally:
            self._audit.record(event, outcome=outcome, uid=peer.uid, pid=peer.pid, **fields)
        return reply

    async def _change(self, request: Change) -> Reply:
        keeper = self._keeper
        match request:
            case Provision(recovery=recovery, force=force):
                printed = await keeper.provision(recovery=recovery, force=force)
                return ProvisionReply(id=request.id, recovery_key=printed)
            case AddSlot(kind=kind):
                number, printed = await keeper.add(recovery=kind == "recovery")
                return AddSlotReply(id=request.id, number=number, recovery_key=printed)
            case RemoveSlot():
                await keeper.remove(request.number)
            case Recover():
                await keeper.recover(request.recovery_key)
            case Reseal():
                await keeper.reseal(request.approve)
            case UnwrapForeign():
                key = await self._session.run(partial(unwrap_foreign, wrapped=request.wrapped))
                return UnwrapForeignReply(id=request.id, key=key)
            case _:
                assert_never(request)
        return Done(id=request.id)


def _event(request: Change) -> tuple[AuditEvent, dict[str, object]]:
    match request:
        case Provision():
            return AuditEvent.KEY_PROVISIONED, {"force": request.force}
        case AddSlot():
            return AuditEvent.SLOT_ADDED, {"slot": request.kind}
        case RemoveSlot():
            return AuditEvent.SLOT_REMOVED, {"slot": request.number}
        case Recover():
            return AuditEvent.KEY_RECOVERED, {}
        case Reseal():
            return AuditEvent.KEY_RESEALED, {"approve": (request.approve or b"").hex()}
        case UnwrapForeign():
            return AuditEvent.FOREIGN_UNWRAPPED, {}
