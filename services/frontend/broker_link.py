"""The frontend's connections to the broker, and what it does when the broker is slow.

Podman holds a host-wide lock while a lookup runs, so 30 secrets of a container that each wait
30 s would be a quarter of an hour: after one missed deadline a lookup gets a second, until a
Ping succeeds (r15).
"""

import asyncio

from psi.shared.client import Pool
from psi.shared.errors import PsiError
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.broker import Ping
from psi.shared.processes import Process

BROKER_SOCKET = "/run/psi-ipc/broker-frontend/sock"


class BrokerLink:
    """A pool for requests, one kept connection for Pings, and the degraded state."""

    def __init__(self, path: str, limits: Limits, log: Log) -> None:
        self._limits = limits
        self._log = log
        ends = (path, Process.FRONTEND, Process.BROKER)
        self.pool = Pool(*ends, limits.http_connections, limits, log)
        self.pings = Pool(*ends, 1, limits, log)
        self._recovery: asyncio.Task[None] | None = None

    @property
    def degraded(self) -> bool:
        """Whether a deadline was missed and no Ping has succeeded since."""
        return self._recovery is not None

    @property
    def lookup_seconds(self) -> float:
        """How long a lookup may wait now."""
        limits = self._limits
        return limits.degraded_lookup_seconds if self.degraded else limits.lookup_seconds

    def missed_deadline(self) -> None:
        """Enter the degraded state, and ask the broker until it answers again."""
        if self._recovery is None:
            self._log.warning("broker.slow", remedy="see psictl status and the broker's log")
            self._recovery = asyncio.get_running_loop().create_task(self._recover())

    async def _recover(self) -> None:
        while True:
            if await self._answers():
                break
            await asyncio.sleep(self._limits.ping_interval_seconds)
        self._recovery = None
        self._log.info("broker.answers")

    async def _answers(self) -> bool:
        try:
            await self.pings.call(Ping(id=self.pings.next_id()), self._limits.ping_seconds)
        except PsiError:
            return False
        return True

    def close(self) -> None:
        """End the recovery and the connections."""
        if self._recovery is not None:
            self._recovery.cancel()
        self.pool.close()
        self.pings.close()
