"""The sealer's own account of how it is; no device is asked."""

from collections.abc import Callable
from typing import Literal

from psi.sealer.backends.software import WARNING
from psi.sealer.device_thread import DeviceThread
from psi.sealer.key_holder import KeyHolder
from psi.sealer.slots import Keyslot
from psi.shared.messages.base import Reply
from psi.shared.messages.sealer import SealerStatus, SealerStatusReply, Slot


class StatusReport:
    """Gathers state and counters; the handlers count in it."""

    def __init__(
        self,
        backend: Literal["tpm", "pkcs11", "software"],
        holder: KeyHolder,
        thread: DeviceThread,
        protocol_errors: Callable[[], int],
    ) -> None:
        self.wraps = 0
        self.unwraps = 0
        self._backend = backend
        self._holder = holder
        self._thread = thread
        self._protocol_errors = protocol_errors

    def report(self, request: SealerStatus) -> Reply:
        """Return the state now."""
        holder = self._holder
        slots = holder.file.slots if holder.file is not None else ()
        return SealerStatusReply(
            id=request.id,
            state=holder.state,
            backend=self._backend,
            hold=holder.hold,
            code=holder.failure.code if holder.failure else "",
            detail=self._detail(),
            device_calls=self._thread.calls,
            wraps=self.wraps,
            unwraps=self.unwraps,
            protocol_errors=self._protocol_errors(),
            slots=[self._slot(slot) for slot in slots],
        )

    def _detail(self) -> str:
        if self._holder.failure is not None:
            return self._holder.failure.detail
        return WARNING if self._backend == "software" else ""

    def _slot(self, slot: Keyslot) -> Slot:
        return Slot(
            number=slot.number,
            kind=slot.kind,
            created_at=slot.created_at,
            mechanism=slot.body.mechanism,
            opens=slot.number == self._holder.opened_by,
        )
