"""The sealer put together: one place that knows all parts."""

import asyncio
import socket
from pathlib import Path

from psi.sealer.backends.software import WARNING
from psi.sealer.broker_handler import BrokerHandler
from psi.sealer.control_handler import ControlHandler
from psi.sealer.device_session import DeviceSession, MakeBackend
from psi.sealer.device_thread import DeviceThread
from psi.sealer.key_holder import KeyHolder
from psi.sealer.keyslot_store import KeyslotStore
from psi.sealer.pin_latch import PinLatch
from psi.sealer.slot_keeper import SlotKeeper
from psi.sealer.status import StatusReport
from psi.shared.audit import Audit
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.processes import Process
from psi.shared.projection import SealerProjection
from psi.shared.secret import SecretBytes
from psi.shared.server import Endpoint


class Sealer:
    """All parts of the process, and its two sockets."""

    def __init__(
        self,
        projection: SealerProjection,
        make_backend: MakeBackend,
        host_secret: SecretBytes,
        pin: SecretBytes | None,
        limits: Limits,
        log: Log,
    ) -> None:
        self._limits = limits
        self._log = log
        self._software = projection.backend == "software"
        store = KeyslotStore(Path(projection.state_dir))
        self._thread = DeviceThread(limits)
        latch = make_latch(projection, pin, host_secret, log)
        session = DeviceSession(projection.backend, make_backend, self._thread, latch, log)
        self.holder = KeyHolder(store, session, host_secret, projection.hold, limits, log)
        status = StatusReport(projection.backend, self.holder, self._thread, self._protocol_errors)
        keeper = SlotKeeper(self.holder, session, store, log)
        self.audit = Audit(full=True, interval_seconds=limits.audit_summary_seconds)
        control = ControlHandler(keeper, session, status, self.audit)
        broker = BrokerHandler(self.holder, status)
        self.endpoints = {
            "broker": Endpoint(Process.BROKER, Process.SEALER, broker, limits, log),
            "ctl": Endpoint(Process.CTL, Process.SEALER, control, limits, log),
        }

    async def serve(self, sockets: dict[str, socket.socket]) -> None:
        """Accept on both sockets and begin to open the key; does not wait for the device."""
        if self._software:
            self._log.warning("software-backend", detail=WARNING)
        await self.holder.start()
        for name, endpoint in self.endpoints.items():
            await endpoint.serve(sockets[name])

    def healthy(self) -> bool:
        """Whether the watchdog may be fed: no device call hangs (r22)."""
        return self._thread.healthy()

    async def drain(self) -> None:
        """Let requests finish for a bounded time, then forget the key."""
        seconds = self._limits.drain_seconds
        await asyncio.gather(*(e.drain(seconds) for e in self.endpoints.values()))
        self.holder.close()

    def _protocol_errors(self) -> int:
        return sum(endpoint.protocol_errors for endpoint in self.endpoints.values())


def make_latch(
    projection: SealerProjection, pin: SecretBytes | None, host_secret: SecretBytes, log: Log
) -> PinLatch | None:
    """Return the latch of the configured PIN, None where there is none to be refused."""
    if projection.backend != "pkcs11" or projection.pkcs11 is None or pin is None:
        return None
    token = f"{projection.pkcs11.module}\0{projection.pkcs11.token_label}"
    return PinLatch(Path(projection.state_dir), pin, token, host_secret, log)
