"""The connection to the broker, which issues what pki asks for."""

from psi.shared.client import Pool
from psi.shared.errors import PsiError
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.base import Refused
from psi.shared.messages.broker import Ping
from psi.shared.processes import Process

BROKER_SOCKET = "/run/psi-ipc/broker-pki/sock"
CONNECTIONS = 1
"""Only a status asks for something, and it is answered from the broker's memory."""


class BrokerLink:
    """A kept connection to the broker's certificate socket."""

    def __init__(self, path: str, limits: Limits, log: Log) -> None:
        self._limits = limits
        self._pool = Pool(path, Process.PKI, Process.BROKER, CONNECTIONS, limits, log)

    async def trouble(self) -> str:
        """Return why the broker does not answer a Ping, and nothing where it does."""
        ping = Ping(id=self._pool.next_id())
        try:
            reply = await self._pool.call(ping, self._limits.ping_seconds)
        except PsiError as error:
            return str(error)
        return reply.detail if isinstance(reply, Refused) else ""

    def close(self) -> None:
        """End the connection."""
        self._pool.close()
