"""What the fake sealer knows: a key with slots, and a device that may fail."""

from dataclasses import dataclass, field
from typing import Any

from psi.shared.messages import sealer as s
from psi.shared.messages.base import Done, Refused, Reply
from psi.shared.secret import SecretBytes

RECOVERY_KEY = b"0123ABCD-4567EFGH-89JKMNPQ-RSTVWXYZ"


def slot(number: int, kind: Any, mechanism: str = "ecc-srk", *, opens: bool = False) -> s.Slot:
    """Return a slot that was made in 2023."""
    return s.Slot(number=number, kind=kind, created_at=1.7e9, mechanism=mechanism, opens=opens)


@dataclass
class SealerWorld:
    """State that tests fill in; without slots it is not provisioned."""

    slots: list[s.Slot] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)
    approved: list[bytes | None] = field(default_factory=list)

    def answer(self, request: Any) -> Reply:
        """Answer as the real sealer does."""
        match request:
            case s.SealerStatus():
                return self._status()
            case s.Provision():
                return self._provision(request)
            case s.AddSlot():
                return self._add(request)
            case s.RemoveSlot():
                return self._remove(request.number)
            case s.Recover():
                return self._recover(request.recovery_key.reveal())
            case _:
                self.approved.append(request.approve)
                return Done()

    def _status(self) -> Reply:
        fields = {
            "state": "open" if self.slots else "unprovisioned", "backend": "tpm", "hold": "open",
            "code": "", "detail": "", "device_calls": 1, "wraps": 2, "unwraps": 3,
            "protocol_errors": 0,
        }  # fmt: skip  # one row of the screen after the other
        return s.SealerStatusReply(**{**fields, **self.status}, slots=self.slots)

    def _provision(self, request: s.Provision) -> Reply:
        if self.slots and not request.force:
            return Refused(code="provisioned", detail="there is a keyslot file; give --force")
        self.slots = [slot(0, "tpm", opens=True)]
        return s.ProvisionReply(recovery_key=self._recovery() if request.recovery else None)

    def _add(self, request: s.AddSlot) -> Reply:
        if request.kind == "recovery":
            key = self._recovery()
            return s.AddSlotReply(number=len(self.slots) - 1, recovery_key=key)
        self.slots.append(slot(len(self.slots), "tpm"))
        return s.AddSlotReply(number=len(self.slots) - 1, recovery_key=None)

    def _recovery(self) -> SecretBytes:
        self.slots.append(slot(len(self.slots), "recovery", "scrypt"))
        return SecretBytes(RECOVERY_KEY)

    def _remove(self, number: int) -> Reply:
        left = [each for each in self.slots if each.number != number]
        if len(left) == len(self.slots):
            return Refused(code="unknown-slot", detail=f"there is no slot {number}")
        if not left:
            return Refused(code="last-slot", detail="the last slot stays")
        self.slots = left
        return Done()

    def _recover(self, typed: bytes) -> Reply:
        if typed != RECOVERY_KEY:
            return Refused(code="bad-recovery-key", detail="the recovery key opens no slot")
        self.slots.append(slot(len(self.slots), "tpm", opens=True))
        return Done()
