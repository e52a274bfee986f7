"""The broker put together: one place that knows all parts."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

from psi.broker.atomic_file import sweep_temporaries
from psi.broker.cache import Cache, MemoryCache, NoCache
from psi.broker.control_handler import ControlHandler
from psi.broker.control_reads import SecretReader
from psi.broker.discovery import Discovery
from psi.broker.identities import Identities
from psi.broker.infisical.client import InfisicalClient
from psi.broker.lookup_handler import LookupHandler
from psi.broker.mapping_store import MappingStore
from psi.broker.policy import Policy
from psi.broker.status import StatusReport
from psi.broker.values import Values
from psi.shared.audit import Audit
from psi.shared.errors import ConfigError
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.processes import Process
from psi.shared.projection import BrokerProjection
from psi.shared.secret import SecretBytes
from psi.shared.server import Endpoint


class Broker:
    """All parts of the process, and its two sockets."""

    def __init__(
        self,
        projection: BrokerProjection,
        credentials: Callable[[str], SecretBytes],
        limits: Limits,
        log: Log,
    ) -> None:
        self._limits = limits
        self._folder = Path(projection.state_dir)
        projects = projection.infisical.projects
        policy = Policy(projection)
        cache: Cache = MemoryCache() if projection.cache == "memory" else NoCache()
        self._audit = Audit(
            full=projection.audit == "full", interval_seconds=limits.audit_summary_seconds
        )
        self._store = MappingStore(self._folder, limits.mappings, log)
        self._client = InfisicalClient(
            projection.infisical, state_dir=self._folder, credentials=credentials, limits=limits
        )
        self._values = Values(projects, policy, cache, self._client, limits)
        lookups = LookupHandler(self._store, policy, self._values, self._audit)
        identities = Identities(self._client, limits)
        control = ControlHandler(
            self._store,
            Discovery(projection.workloads, self._client, self._values),
            SecretReader(projects, self._client, limits),
            identities,
            StatusReport(projection, self._store, cache, lookups, identities, self._client.health),
            self._audit,
            limits,
        )
        self._endpoints = {
            "frontend": Endpoint(Process.FRONTEND, Process.BROKER, lookups, limits, log),
            "ctl": Endpoint(Process.CTL, Process.BROKER, control, limits, log),
        }

    def load(self) -> None:
        """Read the mappings; raises ConfigError where the state folder is not usable."""
        try:
            sweep_temporaries(self._folder)
        except OSError as error:
            raise ConfigError(f"state folder {self._folder}: {error.strerror}") from error
        self._store.load()

    async def serve(self, sockets: dict[str, socket.socket]) -> None:
        """Accept on both sockets."""
        for name, endpoint in self._endpoints.items():
            await endpoint.serve(sockets[name])
        self._summarise()

    def _summarise(self) -> None:
        """Write the audit's summaries now and then, also of secrets that nobody asks for again."""
        self._audit.flush()
        loop = asyncio.get_running_loop()
        loop.call_later(self._limits.audit_summary_seconds, self._summarise)

    async def drain(self) -> None:
        """Let requests finish for a bounded time, then end what waits for Infisical."""
        seconds = self._limits.drain_seconds
        await asyncio.gather(*(e.drain(seconds) for e in self._endpoints.values()))
        await self._values.close()
        await self._client.close()
        self._audit.flush()
