"""Every way in which a unit is not as it should be, and what is no fault though it looks like one.

Each is one change to a healthy host: that this host has no problem is the twin of all of them.
"""

from typing import Final

import pytest

from tests.unit.systemd_status.stage import Stage

Change = tuple[str, dict[str, str]]
IDLE: Final = {"ActiveState": "inactive", "SubState": "dead"}
FAILED: Final = {"ActiveState": "failed", "SubState": "failed", "Result": "exit-code"}
ABSENT: Final = {**IDLE, "LoadState": "not-found", "FragmentPath": "", "UnitFileState": ""}
BAD: Final = {"LoadState": "bad-setting", "LoadError": 'org.x "Unit has a bad setting."'}

DOWN: dict[str, tuple[Change, str]] = {
    "not installed": (
        ("psi-pki.service", ABSENT), "psi-pki.service is not installed: psictl install",
    ),
    "bad setting": (
        ("psi-pki.service", BAD),
        ('psi-pki.service is not loaded by systemd (bad-setting: org.x "Unit has a bad setting."): '
        "systemd-analyze verify psi-pki.service"),
    ),
    "service stopped": (
        ("psi-pki.service", IDLE),
        "psi-pki.service does not run: systemctl start psi-pki.service",
    ),
    "socket stopped": (
        ("psi-pki-ctl.socket", IDLE),
        "psi-pki-ctl.socket does not listen: systemctl start psi-pki-ctl.socket",
    ),
    "timer stopped": (
        ("psi-infisical-refresh.timer", IDLE),
        "psi-infisical-refresh.timer does not count: systemctl start psi-infisical-refresh.timer",
    ),
    "timer at its end": (
        ("psi-infisical-refresh.timer", {"SubState": "elapsed"}),
        ("psi-infisical-refresh.timer will not fire again: "
        "systemctl restart psi-infisical-refresh.timer"),
    ),
    "service failed": (
        ("psi-sealer.service", FAILED),
        ("psi-sealer.service failed (exit-code): see journalctl -u psi-sealer.service; "
        "systemctl reset-failed psi-sealer.service; systemctl start psi-sealer.service"),
    ),
    "socket failed": (
        ("psi-frontend.socket", {**FAILED, "Result": "resources"}),
        ("psi-frontend.socket failed (resources): "
        "systemctl reset-failed psi-frontend.socket; systemctl start psi-frontend.socket"),
    ),
    "restarting": (
        ("psi-pki.service", {"ActiveState": "activating", "SubState": "auto-restart-queued",
                             "NRestarts": "7", "Result": "signal"}),
        ("psi-pki.service dies and is started again (signal, 7 times): "
        "see journalctl -u psi-pki.service"),
    ),
    "target stopped": (
        ("psi.target", IDLE),
        "psi.target is not active: nothing of PSI runs: systemctl enable --now psi.target",
    ),
    "target masked": (
        ("psi.target", {**IDLE, "LoadState": "masked", "UnitFileState": "masked"}),
        "psi.target is masked: systemctl unmask psi.target; systemctl start psi.target",
    ),
}  # fmt: skip  # one row, one fault

DIFFERS: dict[str, tuple[Change, str]] = {
    "another file": (
        ("psi-pki.service", {"FragmentPath": "/etc/systemd/system/psi-pki.service"}),
        "/etc/systemd/system/psi-pki.service takes the place of psi-pki.service: make it a drop-in",
    ),
    "reload of a service": (
        ("psi-pki.service", {"NeedDaemonReload": "yes"}),
        ("psi-pki.service has files that changed since systemd read them: "
        "systemctl daemon-reload; systemctl restart psi-pki.service"),
    ),
    "reload of a socket": (
        ("psi-pki-ctl.socket", {"NeedDaemonReload": "yes"}),
        ("psi-pki-ctl.socket has files that changed since systemd read them: "
        "systemctl daemon-reload"),
    ),
    "oneshot failed": (
        ("psi-infisical-setup.service", FAILED),
        ("psi-infisical-setup.service failed (exit-code): "
        "see journalctl -u psi-infisical-setup.service; "
        "systemctl start psi-infisical-setup.service"),
    ),
    "oneshot masked": (
        ("psi-infisical-setup.service", {"LoadState": "masked", "UnitFileState": "masked"}),
        "psi-infisical-setup.service is masked: systemctl unmask psi-infisical-setup.service",
    ),
    "target not enabled": (
        ("psi.target", {"UnitFileState": "disabled"}),
        ("psi.target is not enabled (disabled): it will not be there after a boot: "
        "systemctl enable psi.target"),
    ),
    "target enabled until a boot": (
        ("psi.target", {"UnitFileState": "enabled-runtime"}),
        ("psi.target is not enabled (enabled-runtime): it will not be there after a boot: "
        "systemctl enable psi.target"),
    ),
    "socket not enabled": (
        ("psi-frontend.socket", {"UnitFileState": "disabled"}),
        ("psi-frontend.socket is not enabled (disabled): it will not be there after a boot: "
        "systemctl enable psi.target"),
    ),
    "one too many": (
        ("psi.target", {"Wants": "psi-broker.service psi-frontend.service psi-pki.service "
                                 "psi-infisical-refresh.timer psi-frontend.socket "
                                 "psi-broker-frontend.socket psi-broker-pki.socket "
                                 "psi-broker-ctl.socket psi-pki-ctl.socket psi-sealer.socket "
                                 "psi-sealer-ctl.socket"}),
        ("psi-sealer.service runs, and psi.target does not want it: "
        "systemctl stop psi-sealer.service"),
    ),
}  # fmt: skip  # one row, one difference

FINE: dict[str, Change] = {
    "a oneshot that has run": (
        "psi-infisical-setup.service", {"ActiveState": "active", "SubState": "exited"},
    ),
    "a service that starts": (
        "psi-broker.service", {"ActiveState": "activating", "SubState": "start"},
    ),
    "a unit by the link /lib": (
        "psi-broker.service", {"FragmentPath": "/lib/systemd/system/psi-broker.service"},
    ),
}  # fmt: skip  # one row, one case


@pytest.mark.parametrize("fault", DOWN)
def test_what_is_down_is_exit_4_with_its_remedy(stage: Stage, fault: str) -> None:
    (unit, properties), told = DOWN[fault]
    stage.say(unit, **properties)
    status = stage.read()
    assert status.exit_code == 4
    (problem,) = status.problems
    assert str(problem).startswith(told)
    assert problem.down


@pytest.mark.parametrize("difference", DIFFERS)
def test_what_differs_is_exit_3_with_its_remedy(stage: Stage, difference: str) -> None:
    (unit, properties), told = DIFFERS[difference]
    stage.say(unit, **properties)
    status = stage.read()
    assert status.exit_code == 3
    (problem,) = status.problems
    assert str(problem).startswith(told)


@pytest.mark.parametrize("case", FINE)
def test_what_is_no_fault_is_not_told(stage: Stage, case: str) -> None:
    unit, properties = FINE[case]
    stage.say(unit, **properties)
    assert (stage.told(), stage.read().exit_code) == ([], 0)


def test_a_sealer_that_nothing_needs_is_no_fault_while_it_is_stopped(stage: Stage) -> None:
    stage.config.write_text(stage.config.read_text().replace("cache: {backend: software}\n", ""))
    stage.apply()
    sealers = ("psi-sealer.service", "psi-sealer.socket", "psi-sealer-ctl.socket")
    wanted = stage.read().units["psi.target"].wants
    unwanted = {*sealers, "psi-infisical-refresh.timer"}
    kept = " ".join(name for name in wanted if name not in unwanted)
    stage.say("psi.target", Wants=kept, DropInPaths="")
    for name in unwanted:
        stage.say(name, **IDLE, DropInPaths="")
    assert stage.told() == []
    stage.say("psi-sealer.service", ActiveState="active", SubState="running")
    assert stage.told() == [
        (
            "psi-sealer.service runs, and psi.target does not want it: "
            "systemctl stop psi-sealer.service"
        )
    ]


def test_with_the_target_stopped_the_rest_is_not_told_again(stage: Stage) -> None:
    stage.say("psi.target", **IDLE)
    stage.say("psi-broker.service", **IDLE)
    assert len(stage.told()) == 1
