"""A broker that hangs, dies at once or is masked: Podman's host-wide lock is let go in time (r15).

These take a minute each, since the deadlines are those that ship; so they run on one release.
"""

from collections.abc import Iterator

import pytest

from tests.system.host import Host
from tests.system.lookups import in_turn
from tests.system.stage import Stage
from tests.system.test_restarts import secret_ids

CONTAINER_SECRETS = 30
LIMIT_SECONDS = 70.0
"""30 for the first, one for each other, and ten to spare."""
AT_ONCE_SECONDS = 1.0
FAILS_AT_START = (
    "[Service]\nExecStart=\nExecStart=/usr/lib/psi/current/broker/bin/python3 -c exit(1)\n"
)
UNWATCHED = "[Service]\nWatchdogSec=0\n"
DROPIN = "/run/systemd/system/psi-broker.service.d/99-test.conf"


@pytest.fixture(scope="module")
def stage(trixie: Host) -> Iterator[Stage]:
    with Stage(trixie) as stage:
        yield stage.bring_up()


@pytest.fixture
def ids(stage: Stage) -> list[str]:
    """As many ids as a large container has; one cached secret serves for all."""
    (one, *_) = secret_ids(stage.host).values()
    return [one] * CONTAINER_SECRETS


@pytest.fixture(autouse=True)
def _healthy(stage: Stage) -> Iterator[None]:
    """Begin and end each test with a broker that answers."""
    yield
    host = stage.host
    host.run(["rm", "-f", DROPIN])
    host.systemctl("unmask", "--runtime", "psi-broker.service")
    host.systemctl("daemon-reload")
    host.systemctl("kill", "--signal=KILL", "psi-broker.service", check=False)
    host.systemctl("reset-failed")
    host.systemctl("restart", "psi-broker-frontend.socket", "psi-broker.service")
    host.wait(lambda: host.psictl("status", check=False).returncode == 0, "a healthy broker")


def test_a_stopped_broker_is_replaced_and_all_lookups_answered(
    stage: Stage, ids: list[str]
) -> None:
    stage.host.systemctl("kill", "--signal=STOP", "psi-broker.service")
    asked = in_turn(stage.host, ids, LIMIT_SECONDS + 30)
    assert sum(each.seconds for each in asked) < LIMIT_SECONDS
    assert {each.status for each in asked} == {200}


def test_with_a_stopped_broker_that_nobody_replaces_they_end(stage: Stage, ids: list[str]) -> None:
    host = stage.host
    host.write(DROPIN, UNWATCHED)
    host.systemctl("daemon-reload")
    host.systemctl("restart", "psi-broker.service")
    host.systemctl("kill", "--signal=STOP", "psi-broker.service")
    asked = in_turn(host, ids, LIMIT_SECONDS + 30)
    assert sum(each.seconds for each in asked) < LIMIT_SECONDS
    assert {each.status for each in asked} == {503}


def test_with_a_broker_that_ends_at_start_they_end_too(stage: Stage, ids: list[str]) -> None:
    stage.host.write(DROPIN, FAILS_AT_START)
    stage.host.systemctl("daemon-reload")
    stage.host.systemctl("kill", "--signal=KILL", "psi-broker.service")
    asked = in_turn(stage.host, ids, LIMIT_SECONDS + 30)
    assert sum(each.seconds for each in asked) < LIMIT_SECONDS
    assert {each.status for each in asked} == {503}


def test_with_a_masked_broker_they_fail_at_once_and_status_tells(
    stage: Stage, ids: list[str]
) -> None:
    host = stage.host
    host.systemctl("mask", "--runtime", "psi-broker.service")
    host.systemctl("stop", "psi-broker.service", check=False)
    asked = in_turn(host, ids)
    assert {each.status for each in asked} == {503}
    assert max(each.seconds for each in asked) < AT_ONCE_SECONDS
    told = host.psictl("status", check=False)
    assert told.returncode == 4
    said = told.stdout + told.stderr
    assert "psi-broker-frontend.socket" in said
    assert "systemctl start" in said


def test_with_the_broker_at_work_they_are_all_answered(stage: Stage, ids: list[str]) -> None:
    assert {each.status for each in in_turn(stage.host, ids)} == {200}
