"""A stage for each release whose systemd was recorded."""

from pathlib import Path

import pytest

from tests.unit.systemd_status.stage import Stage


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Give a host with systemd 257."""
    return Stage(tmp_path_factory.mktemp("s"), "257", monkeypatch)


@pytest.fixture(params=["252", "257"])
def both(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Stage:
    """Give a host with each systemd."""
    version: str = request.param
    root: Path = tmp_path_factory.mktemp("s")
    return Stage(root, version, monkeypatch)
