"""Restarts, crashes and upgrades on a booted host: who asks meanwhile gets an answer."""

import json
from collections.abc import Iterator

import pytest

from tests.system.host import Host
from tests.system.lookups import SteadyLookups, in_turn
from tests.system.stage import CONFIG, PROJECT, VALUES, Stage

SERVICES = ("sealer", "broker", "pki", "frontend")
CRASHES = 10
UNCACHED = "LATER"
WAIT_OF_A_RESTART = 20.0
"""Seconds, ten times what the new broker needs to answer on a busy machine."""


@pytest.fixture(scope="module")
def stage(host: Host) -> Iterator[Stage]:
    allow = f"allow: [{{{{project: myproject, path: /other, key: {UNCACHED}}}}}]\n"
    with Stage(host, CONFIG + allow) as stage:
        stage.infisical.set_secret(PROJECT, "prod", "/other", UNCACHED, "fetched when asked for")
        yield stage.bring_up()


@pytest.fixture(scope="module")
def ids(stage: Stage) -> list[str]:
    """Return the ids of the workload's secrets, all of them cached."""
    return sorted(secret_ids(stage.host).values())


def secret_ids(host: Host) -> dict[str, str]:
    """Return Podman's secrets: name to id."""
    listed = host.run(["podman", "secret", "ls", "--format", "{{.Name}} {{.ID}}"]).stdout
    return dict(line.split() for line in listed.splitlines())


def uncached_id(stage: Stage) -> str:
    """Register the one secret that no cache holds, under an id of its own; Podman keeps none."""
    secret, mapping = "0123456789abcdef012345678", {
        "project": "myproject", "path": "/other", "key": UNCACHED,
    }  # fmt: skip
    url = f"http://localhost/store/{secret}"
    curl = ["curl", "-sSf", "--unix-socket", "/run/psi/psi.sock", "--data-binary", "@-", url]
    stage.host.run(curl, input=json.dumps(mapping))
    return secret


@pytest.mark.parametrize("process", SERVICES)
def test_a_restart_under_load_fails_no_cached_lookup(
    stage: Stage, ids: list[str], process: str
) -> None:
    host, unit = stage.host, f"psi-{process}.service"
    before = host.property(unit, "MainPID")
    with SteadyLookups(host, ids) as load:
        for _ in range(2):
            host.systemctl("restart", unit)
            host.wait_active(unit)
    assert host.property(unit, "MainPID") != before
    assert load.failed == []
    assert len(load.made) >= 20
    assert {each.body for each in load.made} == set(VALUES.values())


def test_an_uncached_lookup_waits_for_the_new_broker(stage: Stage) -> None:
    secret = uncached_id(stage)
    with SteadyLookups(stage.host, [secret], pace=20) as load:
        stage.host.systemctl("restart", "psi-broker.service")
    reasons = {each.body for each in load.failed}
    assert all("try again" in reason or "draining" in reason for reason in reasons), reasons
    assert load.made[-1].body == "fetched when asked for"
    assert max(each.seconds for each in load.made) < WAIT_OF_A_RESTART


def test_after_ten_crashes_the_socket_listens_and_the_last_lookup_is_answered(
    stage: Stage, ids: list[str]
) -> None:
    host, unit = stage.host, "psi-broker.service"
    # Counted by systemd: what it does between two looks of ours is not missed.
    before = int(host.property(unit, "NRestarts"))
    for crash in range(CRASHES):
        host.wait(lambda: host.property(unit, "MainPID") != "0", "a process of the broker")
        host.systemctl("kill", "--signal=KILL", unit, check=False)
        at_least = before + crash
        host.wait(
            lambda least=at_least: (
                int(host.property(unit, "NRestarts")) > least
                or host.property(unit, "MainPID") == "0"
            ),
            "the crash to be seen",
        )
    assert host.property("psi-broker-frontend.socket", "ActiveState") == "active"
    (asked,) = in_turn(host, ids[:1])
    assert (asked.status, asked.body in VALUES.values()) == (200, True)
    assert int(host.property(unit, "NRestarts")) >= CRASHES


def test_clients_that_queue_while_the_frontend_is_away_are_all_answered(
    stage: Stage, ids: list[str]
) -> None:
    host, unit = stage.host, "psi-frontend.service"
    host.wait_active(unit)
    with SteadyLookups(host, ids) as load:
        host.systemctl("kill", "--signal=KILL", unit)
        host.wait_active(unit)
        host.systemctl("kill", "--signal=STOP", unit)
        host.systemctl("kill", "--signal=CONT", unit)
    cut = [each for each in load.failed if each.status == 0]
    # A kill cuts off those that it was answering, and no other: a queue outlives it.
    assert load.failed == cut
    assert len(cut) <= 3


def test_no_start_of_the_day_had_an_ordering_cycle(stage: Stage) -> None:
    journal = stage.host.run(["journalctl", "--boot", "--no-pager", "--lines=all"]).stdout
    assert "psi-broker" in journal
    assert "ordering cycle" not in journal
