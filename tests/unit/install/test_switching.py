"""A switch that fails takes everything back: links, units, and services on the old version."""

import os
from pathlib import Path

import pytest

from psi.shared.errors import ConfigError, PsiError
from psictl.install.rendering import HEADER
from tests.unit.install.conftest import RUNNING, Copy, Machine

UNIT = "usr/lib/systemd/system/psi-broker.service"


@pytest.fixture
def old(copy: Copy, upgradable: Machine) -> Machine:
    """Return a machine with an older unit and running services."""
    machine = copy(upgradable)
    machine.host.running = [*RUNNING]
    (machine.root / UNIT).write_text(f"{HEADER}# an older text")
    return machine


def test_a_service_that_does_not_come_up_brings_the_old_version_back(
    old: Machine, newer: Path
) -> None:
    before, version = old.snapshot(), old.version
    old.host.broken = {"psi-pki.service"}
    told = f"psi-pki.service did not come up .*it exited with 1; {version} is still in force"
    with pytest.raises(PsiError, match=told):
        old.install(wheelhouse=newer)
    assert old.snapshot() == before
    assert [line for line in old.host.log if line.startswith("re")] == [
        "reload", "restart psi-broker.service", "restart psi-pki.service",
        "reload", "restart psi-broker.service", "restart psi-pki.service",
    ]  # fmt: skip


def test_when_that_is_mended_the_next_run_upgrades(old: Machine, newer: Path) -> None:
    version = old.version
    old.host.broken = {"psi-pki.service"}
    with pytest.raises(PsiError):
        old.install(wheelhouse=newer)
    old.install(wheelhouse=newer)
    assert old.version != version
    assert "an older text" not in (old.root / UNIT).read_text()


def test_a_link_that_cannot_be_changed_leaves_the_old_units(
    old: Machine, newer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, rename = old.snapshot(), os.rename

    def refuse(source: object, target: object, **more: object) -> None:
        if str(target).endswith("/current"):
            raise OSError(30, "Read-only file system", str(target))
        rename(source, target, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(PsiError, match="Read-only file system; when that is mended"):
        old.install(wheelhouse=newer)
    monkeypatch.undo()
    (old.root / "usr/lib/psi/unfinished").unlink()
    left = {path for path in old.snapshot() if path not in before}
    assert all(path.startswith("usr/lib/psi/.current-") for path in left)
    assert {path: kind for path, kind in old.snapshot().items() if path not in left} == before


@pytest.mark.parametrize("step", ["make_users", "make_folders"])
def test_users_or_folders_that_cannot_be_made(
    step: str, old: Machine, newer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = old.snapshot()

    def refuse(_text: str) -> None:
        raise PsiError("the disk is full")

    monkeypatch.setattr(old.host, step, refuse)
    with pytest.raises(PsiError, match=r"the disk is full; .* is still in force"):
        old.install(wheelhouse=newer)
    assert old.snapshot() == before
    assert not any(line.startswith("restart") for line in old.host.log)


def test_a_first_installation_that_fails_says_that_nothing_is_installed(
    copy: Copy, installed: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = copy(installed)
    (machine.root / "usr/lib/psi/current").unlink()

    def refuse() -> None:
        raise PsiError("reload refused")

    monkeypatch.setattr(machine.host, "reload", refuse)
    with pytest.raises(PsiError, match="reload refused"):
        machine.install()
    assert not (machine.root / "usr/lib/psi/current").is_symlink()


def test_without_a_running_systemd_nothing_is_restarted(
    copy: Copy, upgradable: Machine, newer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = copy(upgradable)
    machine.host.running = [*RUNNING]
    monkeypatch.setattr(machine.host, "booted", lambda: False)
    report = machine.install(wheelhouse=newer)
    assert [line.split()[0] for line in machine.host.log] == ["users", "folders"]
    assert "systemd does not run here: nothing was reloaded or restarted" in report.notes


def test_a_unit_that_is_dropped_is_stopped_first(
    copy: Copy, upgradable: Machine, newer: Path, tmp_path: Path
) -> None:
    machine = copy(upgradable)
    extra = tmp_path / "units"
    assert machine.request.units is not None
    for file in machine.request.units.rglob("*.*"):
        if file.is_file():
            target = extra / file.relative_to(machine.request.units)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    (extra / "psi-extra.target").write_text("[Unit]\nDescription=x\n")
    machine.install(units=extra, source=machine.kept("current"), wheelhouse=None, tpm=False)
    assert (machine.root / "usr/lib/systemd/system/psi-extra.target").is_file()
    machine.host.forget()
    report = machine.install(wheelhouse=newer)
    assert not (machine.root / "usr/lib/systemd/system/psi-extra.target").exists()
    assert "stop psi-extra.target" in machine.host.log
    assert "disable psi-extra.target" in machine.host.log
    assert "/usr/lib/systemd/system/psi-extra.target: removed" in report.changes


@pytest.mark.parametrize(("running", "started"), [(["psi.target"], 1), ([], 0)])
def test_a_new_unit_is_started_where_psi_runs(
    running: list[str], started: int, copy: Copy, upgradable: Machine, newer: Path
) -> None:
    machine = copy(upgradable)
    machine.host.running = running
    (machine.root / "usr/lib/systemd/system/psi-infisical-refresh.timer").unlink()
    machine.install(wheelhouse=newer)
    assert machine.host.log.count("start psi.target") == started


def test_without_a_new_unit_nothing_is_started(
    copy: Copy, upgradable: Machine, newer: Path
) -> None:
    """Somebody may have stopped a service on purpose."""
    machine = copy(upgradable)
    machine.host.running = ["psi.target"]
    machine.install(wheelhouse=newer)
    assert not any(line.startswith("start") for line in machine.host.log)


def test_changed_sockets_are_told_of(copy: Copy, upgradable: Machine, newer: Path) -> None:
    machine = copy(upgradable)
    (machine.root / "usr/lib/systemd/system/psi-frontend.socket").write_text(f"{HEADER}older")
    notes = machine.install(wheelhouse=newer).notes
    assert [note for note in notes if "psi-frontend.socket" in note] == [
        "changed, and in force after systemctl restart psi.target: psi-frontend.socket"
    ]


@pytest.mark.parametrize(
    "path",
    [
        "usr/lib/systemd/system/psi.target", "usr/lib/sysusers.d/psi.conf", "usr/local/bin/psictl",
        "usr/lib/psi/root/bin/mine",
    ],
)  # fmt: skip
def test_somebody_elses_file_is_found_before_anything_is_done(path: str, machine: Machine) -> None:
    (machine.root / "usr/lib").mkdir(parents=True)
    file = machine.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("mine")
    before = machine.snapshot()
    with pytest.raises(ConfigError, match="move it away"):
        machine.install()
    assert machine.snapshot() == before
    assert machine.heard == []
