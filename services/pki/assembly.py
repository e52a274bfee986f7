"""The pki service put together: one place that knows all parts."""

import asyncio
import socket

from psi.pki.broker_link import BrokerLink
from psi.pki.control_handler import ControlHandler
from psi.pki.status import StatusReport
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.processes import Process
from psi.shared.server import Endpoint


class Pki:
    """All parts of the process, and its one socket."""

    def __init__(self, broker: BrokerLink, limits: Limits, log: Log) -> None:
        self._limits = limits
        self._broker = broker
        control = ControlHandler(StatusReport(broker, self._protocol_errors))
        self._endpoints = {"ctl": Endpoint(Process.CTL, Process.PKI, control, limits, log)}

    async def serve(self, sockets: dict[str, socket.socket]) -> None:
        """Accept on the socket; does not wait for the broker."""
        for name, endpoint in self._endpoints.items():
            await endpoint.serve(sockets[name])

    async def drain(self) -> None:
        """Let requests finish for a bounded time, then end the connection to the broker."""
        seconds = self._limits.drain_seconds
        await asyncio.gather(*(e.drain(seconds) for e in self._endpoints.values()))
        self._broker.close()

    def _protocol_errors(self) -> int:
        return sum(endpoint.protocol_errors for endpoint in self._endpoints.values())
