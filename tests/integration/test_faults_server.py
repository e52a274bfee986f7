"""Faults of the whole server: it is gone, or its clock is an hour off; lookup and refresh."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from psi.shared.messages.broker import BrokerStatus, BrokerStatusReply
from psi.shared.messages.broker_cache import Refresh, RefreshReply
from psi.shared.projection import Source
from tests.integration.fault_table import LIMITS, QUICK_SECONDS, SECRETS
from tests.unit.broker.chain import (
    CLIENT_ID,
    LOGINS,
    PROJECT_ID,
    Chain,
    mapping,
    running,
    secret_id,
    seed,
    workload,
)

WARM, COLD = secret_id(1), secret_id(2)
HOUR = 3600
SOURCES = [Source(project="myproject", path=path) for path in ("/myapp", "/cold")]


@contextmanager
def warm(root: Path, ttl: int = HOUR // 2) -> Iterator[Chain]:
    """Run the chain with one value cached and one not; tokens live half an hour."""
    with running(
        root, seed(KEY="warm"), limits=LIMITS, workloads={"myapp": workload(*SOURCES)}
    ) as chain:
        server = chain.infisical
        server.control("POST", "identity", {"client_id": CLIENT_ID, "ttl": ttl, "max_ttl": ttl})
        server.set_secret(PROJECT_ID, "prod", "/cold", "KEY", "cold")
        assert chain.store(WARM, mapping("KEY")).status == 200
        assert chain.store(COLD, mapping("KEY", "/cold")).status == 200
        assert chain.look_up(WARM).body == b"warm"
        server.clear_requests()
        yield chain


@pytest.fixture
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    with warm(tmp_path_factory.mktemp("s")) as running_chain:
        yield running_chain


def refresh(chain: Chain) -> RefreshReply:
    (reply,) = chain.call(Refresh())
    assert isinstance(reply, RefreshReply)
    return reply


def sent(chain: Chain) -> int:
    """Return how many requests the broker has made, also those that reached nobody."""
    (reply,) = chain.call(BrokerStatus())
    assert isinstance(reply, BrokerStatusReply)
    return reply.upstream_requests


def test_a_lookup_while_the_connection_is_refused(chain: Chain) -> None:
    before = sent(chain)
    chain.infisical.stop()
    began = time.monotonic()
    answer = chain.look_up(COLD)
    took = time.monotonic() - began
    assert (answer.status, sent(chain) - before) == (503, 3)
    assert "refuses the connection; check that Infisical runs there" in answer.reason
    assert took < QUICK_SECONDS
    assert chain.look_up(WARM).body == b"warm"


def test_a_refresh_while_the_connection_is_refused(chain: Chain) -> None:
    before = sent(chain)
    chain.infisical.stop()
    began = time.monotonic()
    reply = refresh(chain)
    took = time.monotonic() - began
    assert (reply.failed, reply.withdrawing, sent(chain) - before) == (2, 0, 6)
    assert all("refuses the connection" in one.detail for one in reply.findings)
    assert took < QUICK_SECONDS
    assert chain.look_up(WARM).body == b"warm"


@pytest.mark.parametrize(("offset", "logins"), [(HOUR, 1), (-HOUR, 0)])
def test_a_lookup_when_the_servers_clock_jumps_an_hour(
    chain: Chain, offset: int, logins: int
) -> None:
    server = chain.infisical
    server.control("POST", "clock", {"offset": offset})
    began = time.monotonic()
    answer = chain.look_up(COLD)
    took = time.monotonic() - began
    assert (answer.status, answer.body) == (200, b"cold")
    assert (server.count(SECRETS), server.count(LOGINS)) == (1 + logins, logins)
    assert took < QUICK_SECONDS
    assert chain.look_up(WARM).body == b"warm"


@pytest.mark.parametrize(("offset", "logins"), [(HOUR, 1), (-HOUR, 0)])
def test_a_refresh_when_the_servers_clock_jumps_an_hour(
    chain: Chain, offset: int, logins: int
) -> None:
    server = chain.infisical
    server.control("POST", "clock", {"offset": offset})
    began = time.monotonic()
    reply = refresh(chain)
    took = time.monotonic() - began
    assert (reply.failed, reply.unchanged, reply.added) == (0, 1, 1)
    assert server.count(LOGINS) == logins
    assert server.count(SECRETS) <= 2 + 2 * logins
    assert took < QUICK_SECONDS


@pytest.mark.parametrize("offset", [HOUR, -HOUR])
def test_a_server_whose_clock_is_always_off_costs_one_login(chain: Chain, offset: int) -> None:
    server = chain.infisical
    server.control("POST", "clock", {"offset": offset})
    server.control("POST", "revoke", {"client_id": CLIENT_ID})
    for _ in range(3):
        assert refresh(chain).failed == 0
        assert chain.look_up(COLD).body == b"cold"
    assert server.count(LOGINS) == 1


def test_a_refresh_without_changes_costs_no_body(chain: Chain) -> None:
    assert refresh(chain).failed == 0
    chain.infisical.clear_requests()
    reply = refresh(chain)
    assert (reply.unchanged, reply.added, reply.changed) == (2, 0, 0)
    assert [one["status"] for one in chain.infisical.requests(SECRETS)] == [304, 304]


def test_a_refresh_after_a_change_gets_it(chain: Chain) -> None:
    refresh(chain)
    chain.infisical.set_secret(PROJECT_ID, "prod", "/cold", "KEY", "changed")
    reply = refresh(chain)
    assert (reply.unchanged, reply.changed) == (1, 1)
    assert chain.look_up(COLD).body == b"changed"


def test_an_older_server_is_served_and_status_says_so(chain: Chain) -> None:
    chain.broker.stop()
    chain.broker.start()
    chain.infisical.fault("foreign_404", "^/api/v4/", form="route")
    assert chain.look_up(COLD).body == b"cold"
    assert refresh(chain).failed == 0
    (reply,) = chain.call(BrokerStatus())
    assert isinstance(reply, BrokerStatusReply)
    assert reply.api == "v3"
