"""The broker's own account of how it is."""

from collections.abc import Callable

from psi.broker.cache import Cache
from psi.broker.identities import Identities
from psi.broker.infisical.health import Health
from psi.broker.lookup_handler import LookupHandler
from psi.broker.mapping_store import MappingStore
from psi.broker.paging import page_at
from psi.shared import __version__
from psi.shared.limits import PAGE_ITEMS
from psi.shared.messages.base import Reply
from psi.shared.messages.broker import BrokerStatus, BrokerStatusReply
from psi.shared.projection import BrokerProjection


class StatusReport:
    """Gathers what is scattered over the parts."""

    def __init__(
        self,
        projection: BrokerProjection,
        store: MappingStore,
        cache: Cache,
        lookups: LookupHandler,
        identities: Identities,
        health: Health,
        api: Callable[[], str],
        protocol_errors: Callable[[], int],
    ) -> None:
        self._projection = projection
        self._store = store
        self._cache = cache
        self._lookups = lookups
        self._identities = identities
        self._health = health
        self._api = api
        self._protocol_errors = protocol_errors

    def report(self, request: BrokerStatus) -> Reply:
        """Return the state now, with a page of the identities."""
        projection, health = self._projection, self._health
        identities, following = page_at(self._identities.states(), request.cursor, PAGE_ITEMS)
        return BrokerStatusReply(
            id=request.id,
            version=__version__,
            generation=projection.generation,
            config_sha256=projection.config_sha256,
            api_url=projection.infisical.api_url,
            backend=projection.cache,
            workloads=len(projection.workloads),
            mappings=len(self._store),
            bad_mappings=self._store.bad,
            cached=len(self._cache),
            lookups=self._lookups.lookups,
            refusals=self._lookups.refusals,
            protocol_errors=self._protocol_errors(),
            upstream_requests=health.requests,
            upstream_ok_at=health.ok_at,
            upstream_error=health.error,
            api=self._api(),
            identities=list(identities),
            next=following,
        )
