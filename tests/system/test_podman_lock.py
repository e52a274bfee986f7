"""Setup and containers that start at one moment share Podman's host-wide lock, and both end."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.system.container import Container
from tests.system.host import Host
from tests.system.image import import_busybox
from tests.system.stage import PROJECT, VALUES, Stage

SETUP = "psi-infisical-setup.service"
DEADLOCK_SECONDS = 90.0
"""Both end in seconds; a lookup that hangs is ended after 30."""


@pytest.fixture(scope="module")
def stage(host: Host) -> Iterator[Stage]:
    import_busybox(host)
    with Stage(host) as stage:
        yield stage.bring_up()


@pytest.fixture(scope="module")
def myapp(stage: Stage) -> Container:
    container = Container(stage.host, "myapp", VALUES)
    container.define()
    return container


def start_together(host: Host, *units: str) -> list[int]:
    """Start units at one moment and return systemctl's exit codes."""
    started = [
        subprocess.Popen(host.command(["systemctl", "restart", unit]), stderr=subprocess.DEVNULL)
        for unit in units
    ]
    return [each.wait(DEADLOCK_SECONDS) for each in started]


def test_both_end_when_all_is_registered(stage: Stage, myapp: Container) -> None:
    myapp.forget()
    assert start_together(stage.host, SETUP, myapp.unit) == [0, 0]
    myapp.wait_shown()
    assert myapp.environment() == VALUES


def test_both_end_when_setup_has_to_register(stage: Stage, myapp: Container) -> None:
    host = stage.host
    host.run(["podman", "secret", "rm", "--all"])
    myapp.forget()
    setup, _ = start_together(host, SETUP, myapp.unit)
    assert setup == 0
    listed = host.run(["podman", "secret", "ls", "--format", "{{.Name}}"]).stdout
    assert set(listed.split()) == {f"myapp--{key}" for key in VALUES}
    myapp.restart()
    assert myapp.environment() == VALUES


def test_both_end_while_a_lookup_hangs(stage: Stage, myapp: Container) -> None:
    host, infisical = stage.host, stage.infisical
    host.psictl("cache", "invalidate", "myapp--DB_HOST")
    infisical.set_secret(PROJECT, "prod", "/myapp", "NEW", "needs a registration")
    infisical.fault("hang_before_headers", path_regex="/secrets")
    try:
        start_together(host, SETUP, myapp.unit)
    finally:
        infisical.clear_faults()
    myapp.restart()
    assert myapp.environment() == VALUES
    assert host.property(SETUP, "ActiveState") in {"active", "failed"}
