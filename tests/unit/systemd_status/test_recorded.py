"""What was recorded on Debian 12 and 13, and what is made of it."""

import time

import pytest

from tests.unit.systemd_status.stage import Stage


def test_a_healthy_host_has_no_problem(both: Stage) -> None:
    status = both.read()
    assert (status.problems, status.unread, status.exit_code) == ((), (), 0)
    assert len(status.units) == 15
    assert status.wanted == set(status.units) - {
        "psi.target", "psi-infisical-refresh.service", "psi-infisical-setup.service",
    }  # fmt: skip  # a list of words


def test_exposure_is_systemds_own_score(both: Stage) -> None:
    exposure = both.read().exposure
    assert exposure["psi-broker.service"] == {"252": 1.1, "257": 0.9}[both.version]
    assert exposure["psi-frontend.service"] == 0.1
    assert exposure["psi-infisical-setup.service"] == 0.7, "oneshots too"
    assert len(exposure) == 6


def test_drop_ins_have_their_kind(both: Stage) -> None:
    kinds = {(each.unit, each.kind, each.path) for each in both.read().drop_ins}
    generated = "/etc/systemd/system/psi-broker.service.d/50-psi.conf"
    assert ("psi-broker.service", "generated", generated) in kinds
    shipped = {path for _, kind, path in kinds if kind == "shipped"}
    count = {"252": 0, "257": 4}[both.version]
    assert len(shipped) == count
    assert not [kind for _, kind, _ in kinds if kind == "foreign"]


def test_a_host_that_is_installed_only_is_down(both: Stage) -> None:
    both.replay("installed")
    status = both.read()
    assert status.exit_code == 4
    target = [str(problem) for problem in status.problems if problem.down]
    assert target == [
        "psi.target is not active: nothing of PSI runs: systemctl enable --now psi.target"
    ]


def test_with_the_broker_masked_its_sockets_have_failed(both: Stage) -> None:
    both.replay("masked")
    status = both.read()
    assert status.exit_code == 4
    told = [str(problem) for problem in status.problems]
    unmask = "systemctl unmask psi-broker.service"
    start = f"failed (resources): {unmask}; systemctl reset-failed {{0}}; systemctl start {{0}}"
    sockets = ("psi-broker-ctl.socket", "psi-broker-frontend.socket", "psi-broker-pki.socket")
    assert told == [
        *(f"{name} {start.format(name)}" for name in sockets),
        f"psi-broker.service is masked: {unmask}; systemctl start psi-broker.service",
    ]
    assert "psi-broker.service" not in status.exposure


BROKEN = {
    "psi-frontend.service": "failed (exit-code): see journalctl -u psi-frontend.service; "
    "systemctl reset-failed psi-frontend.service; systemctl start psi-frontend.service",
    "psi-pki.service": "dies and is started again (exit-code, ",
    "psi-sealer.service": "does not run: systemctl start psi-sealer.service",
    "psi-sealer.socket": "is masked: "
    "systemctl unmask --runtime psi-sealer.socket; systemctl start psi-sealer.socket",
    "psi.target": "is not enabled (disabled): it will not be there after a boot: "
    "systemctl enable psi.target",
}


def test_each_fault_of_a_broken_host_is_told_with_its_remedy(both: Stage) -> None:
    both.replay("broken")
    told = both.told()
    for unit, text in BROKEN.items():
        assert any(line.startswith(f"{unit} {text}") for line in told), unit
    reload = "psi-frontend.service has files that changed since systemd read them"
    assert any(line.startswith(reload) for line in told)
    assert len(told) == len(BROKEN) + 1


def test_drop_ins_of_others_are_shown_and_no_problem(both: Stage) -> None:
    both.replay("broken")
    foreign = {each.path for each in both.read().drop_ins if each.kind == "foreign"}
    folder = "/etc/systemd/system"
    assert foreign == {
        f"{folder}/psi-frontend.service.d/zz.conf",
        f"{folder}/psi-infisical-refresh.timer.d/zz.conf",
        f"{folder}/psi-pki.service.d/my override.conf",
        f"{folder}/psi-pki.service.d/zz.conf",
    }
    assert not any("zz.conf" in line for line in both.told())


def test_a_timer_has_its_last_and_next_firing(both: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    both.replay("broken")
    recorded = both.read().units["psi-infisical-refresh.timer"]
    assert recorded.last_trigger > 1_795_302_000
    assert recorded.next_monotonic > 3600
    uptime = recorded.next_monotonic - 600
    monkeypatch.setattr(time, "clock_gettime", lambda _: uptime)
    before = time.time()
    (timer,) = [each for each in both.read().fields()["units"] if "next" in each]
    assert before + 600 <= timer["next"] <= time.time() + 600
    assert timer["last"] == recorded.last_trigger


def test_one_that_never_fired_has_neither(both: Stage) -> None:
    both.replay("installed")
    (timer,) = [each for each in both.read().fields()["units"] if "next" in each]
    assert (timer["last"], timer["next"]) == (0.0, 0.0)
