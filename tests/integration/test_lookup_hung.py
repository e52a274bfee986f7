"""Infisical or the broker hangs: the others go on, and the hung ones end in their time (r15)."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from psi.shared.projection import Source
from tests.unit.broker.chain import (
    LISTS,
    PROJECT_ID,
    Chain,
    mapping,
    running,
    secret_id,
    seed,
    workload,
)
from tests.unit.frontend.exchange import ask
from tests.unit.frontend.waiting import until

CACHED = secret_id(0)
HUNG = 200


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process as a debugger or a swap storm does."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def degraded(chain: Chain) -> bool:
    return b"psi_frontend_broker_degraded 1" in ask(chain.http, "GET", "/metrics").body


def test_200_hung_misses_do_not_delay_a_cached_lookup(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folders = [Source(project="myproject", path=path) for path in ("/myapp", "/slow")]
    workloads = {"myapp": workload(*folders)}
    root = tmp_path_factory.mktemp("h")
    with running(root, seed(CACHED="cached"), workloads=workloads) as chain:
        chain.store(CACHED, mapping("CACHED"))
        assert chain.look_up(CACHED).body == b"cached"
        for number in range(1, HUNG + 1):
            key = f"K_{number % 4}"
            chain.infisical.set_secret(PROJECT_ID, "prod", "/slow", key, f"of {key}")
            assert chain.store(secret_id(number), mapping(key, "/slow")).status == 200
        chain.infisical.fault("hold", LISTS)
        with ThreadPoolExecutor(HUNG) as pool:
            hung = [pool.submit(chain.look_up, secret_id(n)) for n in range(1, HUNG + 1)]
            until(lambda: open_connections(chain) > HUNG, "all wait")
            begin = time.monotonic()
            for _ in range(20):
                assert chain.look_up(CACHED).body == b"cached"
            assert time.monotonic() - begin < 5
            chain.infisical.clear_faults()
            bodies = [answer.result().body for answer in hung]
        assert bodies == [f"of K_{number % 4}".encode() for number in range(1, HUNG + 1)]


def open_connections(chain: Chain) -> int:
    text = ask(chain.http, "GET", "/metrics").body.decode()
    line = next(x for x in text.splitlines() if x.startswith("psi_frontend_open_connections "))
    return int(line.split()[1])


def test_a_stopped_broker_costs_a_lookup_its_deadline_and_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    limits = {
        "lookup_seconds": 1.0,
        "degraded_lookup_seconds": 0.3,
        "ping_seconds": 0.3,
        "ping_interval_seconds": 0.05,
    }
    root = tmp_path_factory.mktemp("h")
    with running(root, seed(CACHED="cached"), limits=limits) as chain:
        chain.store(CACHED, mapping("CACHED"))
        assert chain.look_up(CACHED).body == b"cached"
        with stopped(chain.broker.pid):
            ended = chain.drive("lookup", CACHED)
            assert (ended.code, ended.value) == (22, b"")
            assert "psi: the broker did not answer in time; see psictl status" in ended.said
            assert degraded(chain)
            assert chain.look_up(CACHED).status == 503
            assert ask(chain.http, "GET", "/healthz").status == 503
        until(lambda: not degraded(chain), "a Ping succeeded")
        assert chain.look_up(CACHED).body == b"cached"
        assert ask(chain.http, "GET", "/healthz").status == 200


def test_a_stopped_frontend_loses_nobody(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("h"), seed(CACHED="cached")) as chain:
        chain.store(CACHED, mapping("CACHED"))
        with ThreadPoolExecutor(20) as pool:
            with stopped(chain.frontend.pid):
                waiting = [pool.submit(chain.look_up, CACHED) for _ in range(20)]
            assert all(answer.result().body == b"cached" for answer in waiting)
