"""A stage for each release whose systemd was recorded; made once, and made good for each test."""

from collections.abc import Iterator

import pytest

from tests.unit.systemd_status.stage import Stage


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Stage]:
    """Make one of each."""
    return {version: Stage(tmp_path_factory.mktemp("s"), version) for version in ("252", "257")}


@pytest.fixture
def stage(made: dict[str, Stage], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Give a host with systemd 257."""
    with made["257"].entered(monkeypatch) as stage:
        yield stage


@pytest.fixture(params=["252", "257"])
def both(
    request: pytest.FixtureRequest, made: dict[str, Stage], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """Give a host with each systemd."""
    with made[request.param].entered(monkeypatch) as stage:
        yield stage
