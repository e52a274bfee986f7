"""What is asked of the real ``systemctl``, and what becomes of its answers."""

from pathlib import Path

import pytest

from psi.shared.errors import PsiError
from psictl.apply import systemctl
from psictl.apply.systemctl import Systemctl


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that stands for a booted systemd, with a systemctl of ours in the PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def program(folder: Path, text: str) -> Path:
    (folder / "systemctl").write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n{text}\n')
    (folder / "systemctl").chmod(0o755)
    return folder / "asked"


def test_each_act_is_one_call(folder: Path) -> None:
    asked = program(folder, "")
    manager = Systemctl(folder)
    manager.reload()
    manager.restart("psi-broker.service")
    manager.start(("psi-sealer.socket", "psi-sealer.service"))
    manager.stop(("psi-sealer.socket", "psi-sealer.service"))
    assert asked.read_text().splitlines() == [
        "daemon-reload",
        "restart -- psi-broker.service",
        "start -- psi-sealer.socket psi-sealer.service",
        "stop -- psi-sealer.socket psi-sealer.service",
    ]


def test_states_are_told_by_unit(folder: Path) -> None:
    answer = "Id=a.service\nActiveState=active\n\nId=b.timer\nActiveState=failed\n"
    asked = program(folder, f"printf '{answer}'")
    states = Systemctl(folder).states(("a.service", "b.timer", "c.socket"))
    assert states == {"a.service": "active", "b.timer": "failed", "c.socket": "inactive"}
    command = "show --property=Id,ActiveState -- a.service b.timer c.socket"
    assert asked.read_text().splitlines() == [command]


def test_a_failure_is_an_error_with_its_text(folder: Path) -> None:
    program(folder, 'printf "Job \\033[31mfailed\\n" >&2; exit 1')
    with pytest.raises(PsiError, match=r"\AJob \?\[31mfailed\Z"):
        Systemctl(folder).restart("x.service")


def test_a_silent_failure_is_an_error_too(folder: Path) -> None:
    program(folder, "exit 4")
    with pytest.raises(PsiError, match="systemctl daemon-reload failed with 4"):
        Systemctl(folder).reload()


def test_a_missing_program_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder / "empty"))
    with pytest.raises(PsiError, match="systemctl does not run: No such file"):
        Systemctl(folder).reload()


def test_one_that_does_not_end_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(folder, "exec sleep 60")
    monkeypatch.setattr(systemctl, "_JOB_SECONDS", 0.2)
    with pytest.raises(PsiError, match="systemctl restart took more than"):
        Systemctl(folder).restart("x.service")


def test_a_host_is_booted_where_the_folder_is(folder: Path) -> None:
    assert Systemctl(folder).booted()
    assert not Systemctl(folder / "absent").booted()
