"""What a person and a script see; and the line that ``psictl status`` has for a failed socket."""

from dataclasses import replace

import pytest

from psictl.__main__ import run
from psictl.status import Probed, Status
from psictl.systemd.show import show
from psictl.systemd.sockets import failed_sockets, told_of_failed
from psictl.systemd.view import write_view
from tests.unit.systemd_status.stage import Stage

SOCKETS = ["psi-broker-ctl.socket", "psi-frontend.socket"]


def rows(text: str) -> dict[str, list[str]]:
    """Return each line's words by its first."""
    return {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}


def test_each_unit_has_a_line(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    write_view(stage.read())
    shown = rows(capsys.readouterr().out)
    assert shown["psi-broker-ctl.socket"][1:5] == ["active", "(running)", "enabled", "-"]
    assert shown["psi-infisical-setup.service"][1:] == [
        "inactive",
        "(dead)",
        "disabled",
        "0.7",
        "-",
    ]


def test_a_service_that_the_target_starts_is_not_called_disabled(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    status = stage.read()
    assert status.units["psi-pki.service"].file_state == "disabled"
    write_view(status)
    shown = rows(capsys.readouterr().out.partition("TIMER")[0])
    assert shown["psi-pki.service"][1:6] == ["active", "(running)", "by", "psi.target", "0.1"]


def test_timers_and_drop_ins_are_shown_whole(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.replay("broken")
    folder = "/etc/systemd/system/psi-pki.service.d"
    long = f"{folder}/[red]{'x' * 90}.conf"
    stage.say("psi-pki.service", DropInPaths=f'"{folder}/my override.conf" {long}')
    write_view(stage.read())
    out = capsys.readouterr().out
    assert f"foreign     {folder}/my override.conf" in out
    assert long in out, "neither folded nor taken for markup"
    assert "psi-infisical-refresh.timer   2026-11-21 23:09:11 UTC   " in out


def test_what_a_peer_says_cannot_reach_the_terminal(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.say("psi-pki.service", SubState="run\x1b[2Jning")
    write_view(stage.read())
    assert "\x1b" not in capsys.readouterr().out


def test_the_json_object_has_all_of_it(stage: Stage) -> None:
    stage.say("psi-pki.service", NeedDaemonReload="yes")
    fields = stage.read().fields()
    assert (fields["exit"], fields["unread"]) == (3, [])
    (problem,) = fields["problems"]
    assert set(problem) == {"subject", "what", "remedy", "down"}
    (unit,) = [each for each in fields["units"] if each["name"] == "psi-broker.service"]
    assert (unit["active"], unit["wanted"], unit["exposure"]) == ("active", True, 0.9)
    assert [each["kind"] for each in unit["drop_ins"]] == ["shipped", "generated"]


def test_a_socket_that_failed_is_told_with_the_way_to_start_it(both: Stage) -> None:
    assert told_of_failed(show([*SOCKETS, "psi-broker.service"])) == []
    both.replay("masked")
    told = told_of_failed(show([*SOCKETS, "psi-broker.service"]))
    assert told == [
        (
            "psi-broker-ctl.socket failed (resources): systemctl unmask psi-broker.service; "
            "systemctl reset-failed psi-broker-ctl.socket; systemctl start psi-broker-ctl.socket"
        )
    ]


def test_a_service_that_failed_is_not_the_sockets_matter(stage: Stage) -> None:
    stage.say("psi-broker.service", ActiveState="failed", SubState="failed")
    assert told_of_failed(show([*SOCKETS, "psi-broker.service"])) == []


def test_below_a_root_there_is_no_systemd_to_ask(stage: Stage) -> None:
    (stage.replayed / "stderr").write_text("asked all the same\n")
    assert failed_sockets(stage.layout) == []


@pytest.mark.parametrize(("failed", "code"), [((), 0), (("psi-pki-ctl.socket failed: x",), 4)])
def test_a_failed_socket_is_a_problem_of_status_and_exit_4(
    stage: Stage, failed: tuple[str, ...], code: int
) -> None:
    reached, nothing = Probed(), [None] * 7
    well = Status(stage.layout, reached, None, reached, *nothing)
    status = replace(well, failed_sockets=failed)
    assert (status.exit_code, status.problems) == (code, list(failed))
    assert status.fields()["failed_sockets"] == list(failed)


def test_below_a_root_the_command_is_refused(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["--root", str(stage.layout.root), "systemd", "status"])
    assert ended.value.code == 2
    assert "not this host's own" in capsys.readouterr().err
