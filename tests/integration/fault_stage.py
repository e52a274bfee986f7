"""A broker with an identity for each fault; its caches are warm before anything strikes."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from psi.shared.messages.broker import BrokerStatus, BrokerStatusReply
from psi.shared.messages.broker_cache import Refresh, RefreshReply
from tests.fakes.infisical.process import StandIn
from tests.fakes.launcher import ServiceProcess, listening
from tests.integration.fault_table import (
    COLD,
    FAULTS,
    HEALTHY,
    LIMITS,
    SECRETS,
    WARM,
    Fault,
    fields,
    seed,
)
from tests.unit.broker.chain import Chain, mapping, projection, secret_id
from tests.unit.frontend.waiting import until

EVERYONE = [*FAULTS, HEALTHY]
IDS = {
    (one.name, path): secret_id(2 * number + (path == COLD))
    for number, one in enumerate(EVERYONE)
    for path in (WARM, COLD)
}


class Stage:
    """What runs, asked by fault."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.server = chain.infisical

    def warm(self) -> None:
        """Register all, and look the warm half up."""
        for (name, path), one in IDS.items():
            assert self.chain.store(one, mapping("KEY", path, name)).status == 200
        for one in EVERYONE:
            self.assert_kept(one)
        self.server.clear_requests()

    def assert_kept(self, fault: Fault) -> None:
        """Look up what is cached."""
        answer = self.chain.look_up(IDS[fault.name, WARM])
        assert (answer.status, answer.body) == (200, f"warm {fault.name}".encode())

    def requests(self, fault: Fault, path: str = SECRETS) -> int:
        """Return how many requests of the fault's identity the server saw."""
        return sum(one["client_id"] == fault.client for one in self.server.requests(path))

    def is_free(self) -> bool:
        """Whether no Retry-After holds the breaker: it holds for all."""
        self.chain.store(secret_id(9999), mapping("NONE", COLD, HEALTHY.name))
        return self.chain.look_up(secret_id(9999)).status == 404

    def settle(self) -> None:
        """Heal the server, and wait until the broker asks it again."""
        self.server.clear_faults()
        until(self.is_free, "a miss goes out again")
        self.server.clear_requests()

    def refresh_pages(self) -> list[RefreshReply]:
        """Refresh once; return all pages of what it says."""
        pages: list[RefreshReply] = []
        while not pages or pages[-1].next:
            (reply,) = self.chain.call(Refresh(cursor=pages[-1].next if pages else 0))
            assert isinstance(reply, RefreshReply)
            pages.append(reply)
        return pages

    def status(self) -> BrokerStatusReply:
        """Return the broker's own account."""
        (reply,) = self.chain.call(BrokerStatus())
        assert isinstance(reply, BrokerStatusReply)
        return reply


@contextmanager
def staged(root: Path) -> Iterator[Stage]:
    """Run the chain with all identities."""
    with ExitStack() as stack:
        server = stack.enter_context(StandIn(seed()))
        (root / "state").mkdir()
        given = projection(server.url, root / "state", **fields(server.url))
        sockets = {
            "frontend": listening(root / "run/psi-ipc/broker-frontend/sock"),
            "pki": listening(root / "run/psi-ipc/broker-pki/sock"),
            "ctl": listening(root / "run/psi-ctl/broker.sock"),
        }
        http = root / "run/psi/psi.sock"
        front = {"http": listening(http)}
        for listener in (*sockets.values(), *front.values()):
            stack.enter_context(listener)
        broker = ServiceProcess("broker", root, sockets, limits=LIMITS, projection=given)
        frontend = ServiceProcess("frontend", root, front)
        stack.enter_context(broker)
        stack.enter_context(frontend)
        stage = Stage(Chain(root, http, frontend, broker, server))
        stage.warm()
        yield stage
