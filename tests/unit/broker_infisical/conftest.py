"""One stand-in Infisical per test file, put back between tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.infisical.process import StandIn
from tests.unit.broker_infisical.setting import CLIENT_ID, CLIENT_SECRET, DAY, Setting, seed


@pytest.fixture(scope="module")
def running() -> Iterator[StandIn]:
    with StandIn(seed()) as server:
        yield server


@pytest.fixture
def stand_in(running: StandIn) -> StandIn:
    running.clear_faults()
    running.control("POST", "clock", {"offset": 0})
    running.control("POST", "ratelimit", {"enabled": False})
    identity = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "unlock": True}
    plain = {"ttl": 30 * DAY, "max_ttl": 30 * DAY, "uses_limit": 0, "token_uses_limit": 0}
    running.control("POST", "identity", identity | plain | {"role": "admin"})
    running.clear_requests()
    return running


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)
