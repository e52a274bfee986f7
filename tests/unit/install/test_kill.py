"""Killed at any of its steps: the old or the new is there, and the next run finishes.

Every fourth step is tried; PSI_KILL_EVERY=1 tries all, which takes some minutes.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from psictl.install.rendering import HEADER
from psictl.install.uninstalling import uninstall
from tests.unit.install.conftest import RUNNING, Machine
from tests.unit.install.killing import killed_at

UNITS = "usr/lib/systemd/system"
OLD_TEXT = f"{HEADER}[Unit]\nDescription=of the version before\n"
EVERY = int(os.environ.get("PSI_KILL_EVERY", "4"))
_MOST_STEPS = 1000


def thin(machine: Machine, root: Path) -> Machine:
    """Copy a machine without what is inside its environments, which is never written again."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        return {"lib", "lib64", "include", "wheels"} & {*names} if "/versions/" in folder else set()

    shutil.copytree(machine.root, root, symlinks=True, ignore=ignored)
    assert machine.request.wheelhouse is not None
    return Machine(root, machine.request.wheelhouse)


@pytest.fixture(scope="module")
def template(upgradable: Machine, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Return a machine whose version in force has other units than the one to come."""
    machine = thin(upgradable, tmp_path_factory.mktemp("k") / "root")
    for name in ("psi-broker.service", "psi-old.timer"):
        (machine.root / UNITS / name).write_text(OLD_TEXT)
    (machine.root / UNITS / "psi.target").unlink()
    manifest = machine.root / "usr/lib/psi/current/manifest.json"
    content = msgspec.json.decode(manifest.read_bytes())
    content["files"].append(f"/{UNITS}/psi-old.timer")
    manifest.write_bytes(msgspec.json.encode(content))
    return machine


@pytest.fixture(scope="module")
def small(installed: Machine, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Return a small copy of an installation."""
    return thin(installed, tmp_path_factory.mktemp("s") / "root")


@pytest.fixture(autouse=True)
def quick_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let systemd accept all units at once: other tests hear what it says of them."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, does in (("systemd-analyze", "exit 0"), ("systemctl", "echo systemd 252")):
        (programs / name).write_text(f"#!/bin/sh\n{does}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # what a killed one leaves


def copied(template: Machine, root: Path) -> Machine:
    """Return a copy that shares the files, which nobody writes in place."""
    shutil.copytree(template.root, root, symlinks=True, copy_function=os.link)
    assert template.request.wheelhouse is not None
    machine = Machine(root, template.request.wheelhouse)
    machine.host.running = [*RUNNING]
    return machine


def steps(template: Machine, folder: Path) -> Iterator[tuple[int, Machine]]:
    """Give the steps that are tried, each with a copy of its own."""
    for step in range(0, _MOST_STEPS, EVERY):
        root = folder / f"root-{step}"
        yield step, copied(template, root)
        shutil.rmtree(root)
    pytest.fail(f"not done after {_MOST_STEPS} steps")


def state(machine: Machine) -> dict[str, str]:
    """Return what counts of a machine: of the versions their names."""
    inside = "usr/lib/psi/versions/"
    return {
        path: kind
        for path, kind in machine.snapshot().items()
        if "/" not in path.removeprefix(inside) or not path.startswith(inside)
    }


def units(machine: Machine) -> dict[str, str]:
    """Return the texts of the units that are in place."""
    folder = machine.root / UNITS
    files = (path for path in folder.rglob("*") if path.is_file() and path.name[0] != ".")
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def test_an_upgrade(template: Machine, newer: Path, tmp_path: Path) -> None:
    finished = copied(template, tmp_path / "finished")
    old, old_units = finished.version, units(finished)
    finished.install(wheelhouse=newer)
    wanted, new, new_units = state(finished), finished.version, units(finished)
    assert (new != old, new_units != old_units) == (True, True)
    for step, machine in steps(template, tmp_path):
        reached = killed_at(step, lambda m=machine: m.install(wheelhouse=newer))  # type: ignore[misc]
        assert machine.version in {old, new}, step
        assert (machine.root / "usr/lib/psi/current/manifest.json").is_file(), step
        present = units(machine)
        for name, text in present.items():
            assert text in {old_units.get(name), new_units.get(name)}, (step, name)
        if not (machine.root / "usr/lib/psi/unfinished").exists():
            complete = {old: old_units, new: new_units}[machine.version]
            assert present == complete, step
        machine.host.forget()
        machine.install(wheelhouse=newer)
        assert state(machine) == wanted, step
        if not reached:
            assert step > 50  # it counted something
            assert machine.host.log == []
            return


def test_the_run_after_a_kill_behind_the_switch_restarts_all(
    template: Machine, newer: Path, tmp_path: Path
) -> None:
    """Whether the killed one had restarted them nobody knows."""
    for step, machine in steps(template, tmp_path):
        before = machine.version
        reached = killed_at(step, lambda m=machine: m.install(wheelhouse=newer))  # type: ignore[misc]
        assert reached
        if machine.version != before:
            machine.host.forget()
            machine.install(wheelhouse=newer)
            assert machine.host.log.count("reload") >= 1
            assert [line for line in machine.host.log if line.startswith("restart")] == [
                f"restart psi-{name}.service" for name in ("broker", "pki", "frontend")
            ]
            return


def test_the_first_installation(small: Machine, tmp_path: Path) -> None:
    """Its version is there, as after a kill behind the making of it."""
    wanted = state(small)
    for step, machine in steps(small, tmp_path):
        for name in ("usr/lib/systemd", "usr/lib/sysusers.d", "usr/lib/tmpfiles.d", "usr/local",
                     "etc", "usr/lib/psi/root"):  # fmt: skip
            shutil.rmtree(machine.root / name)
        (machine.root / "usr/lib/psi/current").unlink()
        reached = killed_at(step, machine.install)
        if not (machine.root / "usr/lib/psi/current").exists():
            assert not (machine.root / "usr/local/bin/psictl").is_symlink(), step
        machine.install()
        assert state(machine) == wanted, step
        if not reached:
            assert step > 50
            return


def test_what_a_killed_making_leaves_is_swept(small: Machine, tmp_path: Path) -> None:
    machine = copied(small, tmp_path / "root")
    wanted = state(machine)
    left = machine.root / "usr/lib/psi/versions/.new-01234567/frontend/bin"
    left.mkdir(parents=True)
    (left / "python3").symlink_to("/usr/bin/python3")
    (machine.root / f"{UNITS}/.psi.target.0123456789abcdef").write_text("half")
    (machine.root / "usr/lib/psi/.current-01234567").symlink_to("versions/x")
    machine.install()
    assert state(machine) == wanted


def test_an_uninstallation(small: Machine, tmp_path: Path) -> None:
    for step, machine in steps(small, tmp_path):
        work = lambda m=machine: uninstall(m.request, purge=False, tell=str)  # type: ignore[misc]  # noqa: E731
        reached = killed_at(step, work)
        if units(machine) != units(small) and (machine.root / "usr/lib/psi").exists():
            assert "stop" in " ".join(machine.host.log), step
        uninstall(machine.request, purge=False, tell=str)
        left = {path for path, kind in machine.snapshot().items() if kind != "folder"}
        assert left == {"etc/psi/config.yaml.example"}, step
        if not reached:
            assert step > 30
            return
