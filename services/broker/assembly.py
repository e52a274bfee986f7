"""The broker put together: one place that knows all parts."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from psi.broker.breaker import Breaker
from psi.broker.cache_control import CacheControl
from psi.broker.cache_parts import make_cache
from psi.broker.control_handler import ControlHandler
from psi.broker.control_reads import SecretReader
from psi.broker.discovery import Discovery
from psi.broker.identities import Identities
from psi.broker.infisical.client import InfisicalClient
from psi.broker.infisical.clock import SystemClock
from psi.broker.infisical.retry import ONE_TRY, Patience
from psi.broker.lookup_handler import LookupHandler
from psi.broker.mapping_store import MappingStore
from psi.broker.pki_handler import PkiHandler
from psi.broker.policy import Policy
from psi.broker.refresh import Refresher
from psi.broker.refresh_reader import RefreshReader
from psi.broker.sealed_store import SealedStore
from psi.broker.status import StatusReport
from psi.broker.token_sealing import TokenSealing
from psi.broker.values import Values
from psi.broker.withdrawal import Withdrawals
from psi.shared.atomic_file import sweep_temporaries
from psi.shared.audit import Audit
from psi.shared.errors import ConfigError, PsiError
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.processes import Process
from psi.shared.projection import BrokerProjection
from psi.shared.secret import SecretBytes
from psi.shared.server import Endpoint


class Broker:
    """All parts of the process, and its three sockets."""

    def __init__(
        self,
        projection: BrokerProjection,
        credentials: Callable[[str], SecretBytes],
        limits: Limits,
        log: Log,
    ) -> None:
        self._limits = limits
        self._log = log
        self._folder = Path(projection.state_dir)
        clock = SystemClock()
        projects, policy = projection.infisical.projects, Policy(projection)
        self._audit = Audit(
            full=projection.audit == "full", interval_seconds=limits.audit_summary_seconds
        )
        self._cache = make_cache(projection, limits, clock, log)
        self._store = MappingStore(self._folder, limits.mappings, log)
        sealer = self._cache.sealer
        self._client = InfisicalClient(
            projection.infisical,
            state_dir=self._folder,
            credentials=credentials,
            limits=limits,
            sealing=TokenSealing(sealer) if sealer is not None else None,
        )
        self._breaker = Breaker(
            self._client,
            limits,
            clock,
            log,
            self._cache.last_contact,
            prober=self._client.reader(ONE_TRY),
        )
        self._sealed = SealedStore(self._folder / "sealed", sealer, limits, clock, log)
        self._values = Values(
            projects, policy, self._cache.cache, self._breaker, self._sealed, limits
        )
        lookups = LookupHandler(self._store, policy, self._values, self._sealed, self._audit)
        identities = Identities(self._client, limits)
        refresher = self._make_refresher(projection, policy)
        control = ControlHandler(
            self._store,
            Discovery(projection.workloads, projects, self._client, self._values),
            SecretReader(projects, self._client, limits),
            identities,
            StatusReport(
                projection, self._store, self._cache.cache, lookups, identities,
                self._client.health, self._client.api, self._protocol_errors,
            ),
            CacheControl(self._cache, refresher, self._store, self._values, limits),
            self._sealed,
            self._audit,
            limits,
        )  # fmt: skip
        self._endpoints = {
            "frontend": Endpoint(Process.FRONTEND, Process.BROKER, lookups, limits, log),
            "pki": Endpoint(Process.PKI, Process.BROKER, PkiHandler(), limits, log),
            "ctl": Endpoint(Process.CTL, Process.BROKER, control, limits, log),
        }
        self._opening: asyncio.Task[None] | None = None

    def load(self) -> None:
        """Read the mappings; raises ConfigError where the state folder is not usable."""
        try:
            sweep_temporaries(self._folder)
            sweep_temporaries(self._folder / "sealed")
        except OSError as error:
            raise ConfigError(f"state folder {self._folder}: {error.strerror}") from error
        self._store.load()

    async def serve(self, sockets: dict[str, socket.socket]) -> None:
        """Accept on all sockets and begin to load: an uncached lookup goes live meanwhile."""
        for name, endpoint in self._endpoints.items():
            await endpoint.serve(sockets[name])
        self._opening = asyncio.get_running_loop().create_task(self._sealed.run())
        self._cache.start()
        self._summarise()

    async def useful(self) -> None:
        """Return when all is loaded, or is not to be had soon: then READY is true (r21)."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.cache_load_seconds):
                await asyncio.gather(self._cache.settled(), self._sealed.tried.wait())

    def _summarise(self) -> None:
        """Write the audit's summaries now and then, also of secrets that nobody asks for again."""
        self._audit.flush()
        loop = asyncio.get_running_loop()
        loop.call_later(self._limits.audit_summary_seconds, self._summarise)

    async def drain(self) -> None:
        """Let requests finish for a bounded time, then end what waits for Infisical."""
        seconds = self._limits.drain_seconds
        await asyncio.gather(*(e.drain(seconds) for e in self._endpoints.values()))
        if self._opening is not None:
            self._opening.cancel()
        await self._values.close()
        await self._breaker.close()
        try:
            await self._cache.close()
        except (PsiError, TimeoutError) as error:
            self._log.error("cache.not-written", cause=error)
        await self._client.close()
        self._audit.flush()

    def _protocol_errors(self) -> int:
        return sum(endpoint.protocol_errors for endpoint in self._endpoints.values())

    def _make_refresher(self, projection: BrokerProjection, policy: Policy) -> Refresher | None:
        memory, keeper = self._cache.memory, self._cache.keeper
        if memory is None:
            return None
        patient = self._client.reader(Patience.of_refresh(self._limits))
        reader = RefreshReader(projection, patient, memory, self._limits)
        withdrawals = Withdrawals(memory, self._limits)
        return Refresher(projection, policy, reader, memory, keeper, withdrawals, self._audit)
