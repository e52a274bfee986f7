"""One stand-in per test file; a cloud and a state folder per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.cloud.server import CloudServer
from tests.fakes.infisical.process import StandIn
from tests.unit.broker_auth.scene import Scene, auth_config, cloud, seed
from tests.unit.broker_infisical.setting import Setting


@pytest.fixture(scope="module")
def running() -> Iterator[StandIn]:
    with StandIn(seed()) as server:
        yield server


@pytest.fixture
def around() -> Iterator[CloudServer]:
    with cloud() as server:
        yield server


@pytest.fixture
def scene(
    running: StandIn, around: CloudServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Scene:
    running.clear_faults()
    running.control(
        "POST", "identity", {"client_id": "all-methods", "auth": auth_config(), "unlock": True}
    )
    running.clear_requests()
    around.write_endpoints(tmp_path)
    state = tmp_path / "state"
    state.mkdir()
    monkeypatch.setenv("PSI_DEV_ROOT", str(tmp_path))
    return Scene(running, around, Setting(state), tmp_path)
