"""``psictl systemd status`` on a booted host: what it says of one that is well, and of each harm.

Each harm is mended by the very commands that it names, and then all is well again.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.system.host import Host
from tests.system.stage import Stage

SETUP = "psi-infisical-setup.service"
PKI = "/usr/lib/systemd/system/psi-pki.service"
FOREIGN = "/etc/systemd/system/psi-pki.service.d/90-mine.conf"
LOOKUP = ["curl", "-s", "--unix-socket", "/run/psi/psi.sock", f"http://x/lookup/{'a' * 25}"]
EXPOSED = {"psi-frontend.service": 0.2, "psi-pki.service": 0.2, "psi-broker.service": 1.1}
"""No more than this."""


@pytest.fixture(scope="module")
def stage(host: Host) -> Iterator[Stage]:
    with Stage(host) as stage:
        yield stage.bring_up()


def shown(host: Host, user: str = "root") -> Any:
    """Return what it says, as a script reads it."""
    done = host.run(["psictl", "systemd", "status", "--json"], user=user, check=False)
    found = json.loads(done.stdout)
    assert done.returncode == found["exit"], done.stderr
    return found


def subjects(found: Any) -> set[str]:
    return {problem["subject"] for problem in found["problems"]}


def mend(host: Host, found: Any) -> None:
    """Run the commands of each remedy, and find all well."""
    for problem in found["problems"]:
        host.shell(problem["remedy"])
    assert shown(host)["problems"] == []


def test_a_host_that_was_set_up_has_no_problem(stage: Stage) -> None:
    found = shown(stage.host)
    assert (found["exit"], found["problems"], found["unread"]) == (0, [], [])
    units = {unit["name"]: unit for unit in found["units"]}
    for name, most in EXPOSED.items():
        assert 0 < units[name]["exposure"] <= most
    kinds = {each["kind"] for each in units["psi-broker.service"]["drop_ins"]}
    assert "generated" in kinds
    timer = units["psi-infisical-refresh.timer"]
    assert time.time() < timer["next"] < time.time() + 2 * 3600


def test_a_person_sees_the_same(stage: Stage) -> None:
    done = stage.host.psictl("systemd", "status")
    assert done.stderr == ""
    assert "psi-infisical-refresh.timer" in done.stdout


def test_systemd_answers_anyone_and_what_is_closed_is_said(stage: Stage) -> None:
    found = shown(stage.host, user="nobody")
    assert (found["exit"], found["problems"]) == (0, [])
    (unread,) = found["unread"]
    assert "/etc/psi/generated/current: Permission denied" in unread


def test_setup_at_boot_asks_nobody_what_is_registered_and_kept(stage: Stage) -> None:
    stage.infisical.clear_requests()
    stage.host.systemctl("restart", SETUP)
    assert "myapp: 3 kept" in stage.host.journal(SETUP)
    assert stage.infisical.requests() == []


def test_a_drop_in_of_somebody_else_is_shown_and_is_no_problem(stage: Stage) -> None:
    host = stage.host
    host.write(FOREIGN, "[Service]\nNice=5\n")
    host.systemctl("daemon-reload")
    found = shown(host)
    assert (found["exit"], found["problems"]) == (0, [])
    (unit,) = [each for each in found["units"] if each["name"] == "psi-pki.service"]
    assert {"path": FOREIGN, "kind": "foreign"} in unit["drop_ins"]
    host.run(["rm", FOREIGN])
    host.systemctl("daemon-reload")


def test_an_edited_unit_is_a_difference(stage: Stage) -> None:
    host = stage.host
    text = host.read(PKI)
    host.write(PKI, text + b"# edited\n")
    found = shown(host)
    assert found["exit"] == 3
    assert subjects(found) == {PKI, "psi-pki.service"}
    host.write(PKI, text)
    host.systemctl("daemon-reload")
    assert shown(host)["exit"] == 0


def test_an_edited_drop_in_of_apply_is_a_difference(stage: Stage) -> None:
    host = stage.host
    path = "/etc/psi/generated/current/psi-infisical-refresh.timer.conf"
    text = host.read(path)
    host.write(path, text.replace(b"=3600s", b"=60s"), 0o600)
    host.systemctl("daemon-reload")
    found = shown(host)
    assert (found["exit"], subjects(found)) == (3, {path})
    host.write(path, text, 0o600)
    host.systemctl("daemon-reload")
    assert shown(host)["exit"] == 0


def test_what_is_stopped_is_down_and_its_remedy_starts_it(stage: Stage) -> None:
    stage.host.systemctl("stop", "psi-pki.service", "psi-pki-ctl.socket")
    found = shown(stage.host)
    assert found["exit"] == 4
    assert subjects(found) == {"psi-pki.service", "psi-pki-ctl.socket"}
    mend(stage.host, found)


def test_what_is_not_enabled_is_a_difference_and_its_remedy_enables_it(stage: Stage) -> None:
    stage.host.systemctl("disable", "psi.target")
    found = shown(stage.host)
    assert (found["exit"], subjects(found)) == (3, {"psi.target"})
    mend(stage.host, found)


def test_with_the_broker_masked_both_say_how_to_start_its_sockets(stage: Stage) -> None:
    host = stage.host
    host.systemctl("mask", "--runtime", "--now", "psi-broker.service")
    host.run(LOOKUP)
    told = host.psictl("status", "--json", check=False)
    assert told.returncode == 4
    (line,) = [
        each
        for each in json.loads(told.stdout)["failed_sockets"]
        if each.startswith("psi-broker-frontend.socket failed")
    ]
    assert line.endswith("systemctl start psi-broker-frontend.socket")
    found = shown(host)
    assert found["exit"] == 4
    assert {"psi-broker.service", "psi-broker-frontend.socket"} <= subjects(found)
    mend(host, found)
    assert host.psictl("status", check=False).returncode == 0


def test_after_a_reboot_it_is_well(stage: Stage) -> None:
    stage.host.reboot()
    assert shown(stage.host)["problems"] == []
