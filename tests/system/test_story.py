"""The whole story on a booted host, in the order that a user lives it; on each release.

The tests build on each other: each goes on where the one before it left the host.
"""

import json
from collections.abc import Iterator

import pytest

from tests.system.container import Container
from tests.system.host import Host
from tests.system.image import import_busybox
from tests.system.stage import CONFIG, PROJECT, VALUES, Stage

SERVICES = ("psi-frontend.service", "psi-broker.service", "psi-sealer.service", "psi-pki.service")
SOCKETS = (
    "psi-frontend.socket",
    "psi-broker-frontend.socket",
    "psi-broker-pki.socket",
    "psi-sealer.socket",
    "psi-broker-ctl.socket",
    "psi-sealer-ctl.socket",
    "psi-pki-ctl.socket",
)
REFRESH = "psi-infisical-refresh.service"
QUICK_TIMER = """\
[Timer]
OnActiveSec=
OnActiveSec=1s
OnUnitActiveSec=1s
RandomizedDelaySec=0
"""
WORKLOADS = ("myapp", "early")
EARLY = """\
  early:
    secrets: [{{project: myproject, path: /myapp}}]
"""
"""A workload that is not told to wait for anything."""
LATE_BROKER = "[Service]\nExecStartPre=+/bin/sleep 5\n"
CHANGED = {**VALUES, "DB_PASSWORD": "changed in Infisical"}


@pytest.fixture(scope="module")
def stage(host: Host) -> Iterator[Stage]:
    import_busybox(host)
    with Stage(host, CONFIG + EARLY) as stage:
        yield stage


@pytest.fixture(scope="module")
def myapp(stage: Stage) -> Container:
    return Container(stage.host, "myapp", VALUES)


def up(host: Host, unit: str) -> int:
    """Return when a unit became active, in microseconds."""
    return int(host.property(unit, "ActiveEnterTimestampMonotonic"))


def begun(host: Host, unit: str) -> int:
    """Return when a unit began to start, in microseconds."""
    return int(host.property(unit, "InactiveExitTimestampMonotonic"))


def test_it_is_applied_and_enabled(stage: Stage) -> None:
    stage.host.psictl("apply")
    stage.host.systemctl("enable", "--now", "psi.target")
    for unit in (*SOCKETS, *SERVICES):
        stage.host.wait_active(unit)


def test_the_cache_gets_its_key(stage: Stage) -> None:
    stage.host.psictl("cache", "init", "--recovery")
    assert stage.host.psictl("status").returncode == 0


def test_setup_registers_the_secrets(stage: Stage) -> None:
    told = stage.host.psictl("setup")
    listed = stage.host.run(["podman", "secret", "ls", "--format", "{{.Name}}"]).stdout
    assert set(listed.split()) == {f"{name}--{key}" for name in WORKLOADS for key in VALUES}
    if stage.host.suite.quadlet:
        dropin = stage.host.read("/etc/containers/systemd/myapp.container.d/50-secrets.conf")
        assert dropin.decode().count("Secret=myapp--") == len(VALUES)
    else:
        assert "does not read drop-ins of myapp.container" in told.stderr


def test_the_container_has_its_secrets(stage: Stage, myapp: Container) -> None:
    myapp.define()
    myapp.restart()
    assert myapp.environment() == VALUES


def test_its_health_check_has_them_too(stage: Stage) -> None:
    stage.host.run(["podman", "healthcheck", "run", "myapp"])


def test_a_refresh_brings_what_changed(stage: Stage, myapp: Container) -> None:
    stage.infisical.set_secret(PROJECT, "prod", "/myapp", "DB_PASSWORD", CHANGED["DB_PASSWORD"])
    stage.host.psictl("cache", "refresh")
    myapp.restart()
    assert myapp.environment() == CHANGED


def test_in_an_outage_the_container_starts_again(stage: Stage, myapp: Container) -> None:
    stage.infisical.stop()
    myapp.restart()
    assert myapp.environment() == CHANGED


def test_status_tells_of_the_outage(stage: Stage) -> None:
    assert stage.host.psictl("cache", "refresh", check=False).returncode == 5
    told = stage.host.psictl("status", "--json", check=False)
    assert told.returncode == 3
    assert any("Infisical" in problem for problem in json.loads(told.stdout)["problems"])


def test_after_a_reboot_in_the_outage_all_runs_again(stage: Stage, myapp: Container) -> None:
    myapp.forget()
    stage.host.reboot()
    myapp.wait_shown()
    assert myapp.environment() == CHANGED
    assert stage.host.failed_units() == []
    stage.host.run(["podman", "healthcheck", "run", "myapp"])


def test_sockets_are_there_before_containers(stage: Stage, myapp: Container) -> None:
    sockets = [up(stage.host, unit) for unit in SOCKETS]
    assert min(sockets) > 0
    assert max(sockets) < begun(stage.host, myapp.unit)


def test_the_timer_fires_again_and_again(stage: Stage, myapp: Container) -> None:
    stage.infisical.start()
    host = stage.host
    before = host.journal(REFRESH).count("Finished")
    host.write("/etc/systemd/system/psi-infisical-refresh.timer.d/99-quick.conf", QUICK_TIMER)
    host.systemctl("daemon-reload")
    host.systemctl("restart", "psi-infisical-refresh.timer")
    host.wait(lambda: host.journal(REFRESH).count("Finished") >= before + 3, "a third refresh")
    host.run(["rm", "/etc/systemd/system/psi-infisical-refresh.timer.d/99-quick.conf"])
    host.systemctl("daemon-reload")
    host.systemctl("restart", "psi-infisical-refresh.timer")
    myapp.restart()
    assert myapp.environment() == VALUES


def test_a_container_before_the_broker_waits_for_it(stage: Stage, myapp: Container) -> None:
    host = stage.host
    early = Container(host, "early", VALUES, waits_for_setup=False)
    early.define()
    host.write("/etc/systemd/system/psi-broker.service.d/99-late.conf", LATE_BROKER)
    myapp.forget()
    host.reboot()
    for container in (early, myapp):
        container.wait_shown()
        assert container.environment() == VALUES
    assert begun(host, early.unit) < up(host, "psi-broker.service") < up(host, early.unit)
    assert host.failed_units() == []
    host.run(["rm", "/etc/systemd/system/psi-broker.service.d/99-late.conf"])
    host.systemctl("daemon-reload")


def test_a_config_with_an_error_is_no_outage(stage: Stage, myapp: Container) -> None:
    host = stage.host
    stage.configure(stage.config + "workload: {}\n")
    refused = host.psictl("apply", check=False)
    assert refused.returncode == 2
    myapp.forget()
    host.reboot()
    myapp.wait_shown()
    assert myapp.environment() == VALUES
    assert host.failed_units() == []
    told = host.psictl("status", check=False)
    assert told.returncode == 3
    assert "psictl apply" in told.stdout + told.stderr


def test_corrected_and_applied_all_is_well(stage: Stage) -> None:
    stage.configure(stage.config)
    stage.host.psictl("apply")
    assert stage.host.psictl("status").returncode == 0
