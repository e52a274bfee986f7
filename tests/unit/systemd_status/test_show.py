"""``systemctl show``: read whole and strictly, and what becomes of it when it fails."""

from collections.abc import Callable
from pathlib import Path

import pytest

from psi.shared.errors import PsiError, Unreachable
from psictl.systemd import programs
from psictl.systemd.exposure import exposures
from psictl.systemd.show import is_booted, show
from tests.unit.systemd_status.stage import Stage

NAMES = ["psi-broker.service", "psi-infisical-refresh.timer", "psi.target"]


def _units(stage: Stage) -> Path:
    return stage.replayed / "units"


def test_units_come_in_the_order_asked_for(both: Stage) -> None:
    found = show(NAMES)
    assert list(found) == NAMES
    broker, timer, target = found.values()
    assert (broker.load, broker.active, broker.sub) == ("loaded", "active", "running")
    assert (broker.restarts, broker.needs_reload, broker.result) == (0, False, "success")
    assert broker.since > 1_795_302_000
    assert timer.triggers == ("psi-infisical-refresh.service",)
    assert len(target.wants) == 12
    assert (target.result, target.restarts) == ("", 0)


def test_one_that_there_is_not_is_told_of_too(stage: Stage) -> None:
    found = show(["psi-absent.service", "psi.target"])["psi-absent.service"]
    assert (found.load, found.active, found.fragment) == ("not-found", "inactive", "")


WRONG: dict[str, tuple[Callable[[str], str], str]] = {
    "a line without =": (lambda text: text.replace("Wants=", "Wants "), "not known"),
    "a value of two lines": (lambda text: text.replace("LoadState=", "LoadState=\nx"), "not known"),
    "a property twice": (
        lambda text: text.replace("SubState=", "SubState=x\nSubState="), "not known",
    ),
    "a property lacking": (lambda text: text.replace("LoadState=loaded\n", ""), "no LoadState"),
    "another property": (lambda text: text.replace("SubState=", "New=x\nSubState="), "not known"),
    "a bad value": (lambda text: text.replace("NRestarts=0", "NRestarts=few"), "a number"),
}  # fmt: skip  # one row, one fault


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_not_understood_is_an_error(stage: Stage, fault: str) -> None:
    change, told = WRONG[fault]
    text = _units(stage).read_text()
    _units(stage).write_text(change(text))
    with pytest.raises(PsiError, match=told):
        show(NAMES)
    _units(stage).write_text(text)
    assert list(show(NAMES)) == NAMES


def test_an_answer_about_other_units_is_an_error(stage: Stage) -> None:
    script = stage.programs / "systemctl"
    text = script.read_text()
    script.write_text(text.replace('"$@"', '"$1" "$2" "$3" "$4" -- psi.target'))
    with pytest.raises(PsiError, match=r"asked for 3 units and told of: psi\.target"):
        show(NAMES)
    script.write_text(text)
    assert list(show(NAMES)) == NAMES


def test_a_refusal_is_unreachable_with_its_words(stage: Stage) -> None:
    (stage.replayed / "stderr").write_text("Failed to connect to bus: \x1b[31mno\n")
    with pytest.raises(Unreachable, match=r"Failed to connect to bus: .\[31mno"):
        show(NAMES)


def test_a_systemd_that_does_not_answer_is_unreachable(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "ASK_SECONDS", 0.2)
    (stage.replayed / "hang").touch()
    with pytest.raises(Unreachable, match=r"did not answer systemctl within 0.2 s"):
        show(NAMES)


def test_a_host_without_systemctl_is_unreachable(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(stage.shipped))
    with pytest.raises(Unreachable, match="systemctl does not run"):
        show(NAMES)


def test_the_callers_environment_does_not_reach_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/Lima")
    monkeypatch.setenv("SYSTEMD_COLORS", "1")
    assert list(show(NAMES)) == NAMES


def test_systemd_runs_where_its_folder_is(tmp_path: Path) -> None:
    assert not is_booted(tmp_path / "system")
    (tmp_path / "system").mkdir()
    assert is_booted(tmp_path / "system")


SERVICES = ["psi-broker.service", "psi-frontend.service"]


def test_of_one_service_alone_there_is_no_overview(stage: Stage) -> None:
    assert exposures(SERVICES[:1]) == {}
    assert set(exposures(SERVICES)) >= set(SERVICES)


@pytest.mark.parametrize(
    "text", ["", "no JSON", '[{"unit":"a"}]', '[{"unit":"a","exposure":"low"}]', "[1] [", "{}"]
)
def test_scores_that_are_not_understood_are_not_read(stage: Stage, text: str) -> None:
    (stage.replayed / "security").write_text(text)
    with pytest.raises(PsiError, match="not understood"):
        exposures(SERVICES)
    status = stage.read()
    assert (status.exposure, status.exit_code) == ({}, 0)
    (unread,) = status.unread
    assert unread.startswith("how exposed the services are: ")
