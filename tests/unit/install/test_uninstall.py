"""Uninstalling: what goes, what stays, and what only --purge takes."""

from dataclasses import replace
from pathlib import Path

import pytest

from psi.shared.errors import PsiError
from psictl.driver import HEADER as DRIVER_HEADER
from psictl.install.driver_conf import CONF_FILE, CONF_FOLDER, KEPT_FILE
from psictl.install.request import Report
from psictl.install.uninstalling import check_no_mounts, uninstall
from tests.unit.install.conftest import Copy, Machine

LINK = "etc/systemd/system/psi-broker.service.d/50-psi.conf"
STATE = ("var/lib/psi/cache.enc", "var/lib/psi-sealer/keyslots", "var/lib/psi-config/gen-1/x")
SECRETS = "etc/containers/systemd/myapp.container.d/50-secrets.conf"


def remove(machine: Machine, *, purge: bool = False, dry_run: bool = False) -> Report:
    request = replace(machine.request, dry_run=dry_run)
    return uninstall(request, purge=purge, tell=machine.heard.append)


def put(machine: Machine, path: str, text: str = "x") -> Path:
    file = machine.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


@pytest.fixture
def used(copy: Copy, installed: Machine) -> Machine:
    """Return a machine that was worked with."""
    machine = copy(installed)
    for path in (*STATE, SECRETS, "etc/psi/config.yaml", "etc/psi/generated/gen-1/a.conf"):
        put(machine, path)
    link = machine.root / LINK
    link.parent.mkdir(parents=True)
    link.symlink_to("/etc/psi/generated/current/psi-broker.service.conf")
    machine.host.forget()
    return machine


def files(machine: Machine) -> set[str]:
    return {path for path, kind in machine.snapshot().items() if kind != "folder"}


def test_configuration_state_and_users_stay(used: Machine) -> None:
    report = remove(used)
    assert files(used) == {
        *STATE, SECRETS, LINK, "etc/psi/config.yaml", "etc/psi/config.yaml.example",
        "etc/psi/generated/gen-1/a.conf",
    }  # fmt: skip
    assert not any(line.startswith("remove-user") for line in used.host.log)
    assert any("/etc/psi" in note and "stay" in note for note in report.notes)


def test_the_units_are_stopped_and_disabled_before_they_go(used: Machine) -> None:
    remove(used)
    stop, disable, reload = used.host.log
    assert stop.startswith("stop ")
    assert "psi.target" in stop
    assert "psi-frontend.socket" in stop
    assert disable.split()[1:] == stop.split()[1:]
    assert reload == "reload"


def test_purge_takes_all_but_what_is_podmans(used: Machine) -> None:
    remove(used, purge=True)
    assert files(used) == {SECRETS}
    for folder in ("etc/psi", "var/lib/psi", "var/lib/psi-config", str(Path(LINK).parent)):
        assert not (used.root / folder).exists()
    assert [line for line in used.host.log if line.startswith("remove-user")] == [
        f"remove-user psi-{name}" for name in ("sealer", "broker", "pki", "frontend")
    ]


def test_purge_follows_no_link(used: Machine, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    (used.root / "var/lib/psi/link").symlink_to(outside)
    (used.root / "var/lib/psi-pki").symlink_to(outside)
    remove(used, purge=True)
    assert (outside / "kept").exists()


def test_purge_leaves_drop_ins_that_people_made(used: Machine) -> None:
    mine = put(used, "etc/systemd/system/psi-broker.service.d/60-mine.conf")
    remove(used, purge=True)
    assert mine.exists()
    assert not (used.root / LINK).is_symlink()


def test_a_dry_run_tells_and_changes_nothing(used: Machine) -> None:
    before = used.snapshot()
    report = remove(used, purge=True, dry_run=True)
    assert used.snapshot() == before
    assert used.host.log == []
    for path in ("usr/lib/psi", "etc/psi", "var/lib/psi-config"):
        assert f"{used.root / path}: would be removed" in report.changes
    assert "/usr/lib/systemd/system/psi.target: would be removed" in report.changes
    assert "user psi-broker: would be removed" in report.changes


def test_a_second_time_there_is_nothing(used: Machine) -> None:
    remove(used)
    used.host.forget()
    report = remove(used)
    assert report.changes == []
    assert "nothing is installed" in report.notes[0]
    assert used.host.log == []


def test_purge_after_an_uninstall(used: Machine) -> None:
    remove(used)
    remove(used, purge=True)
    assert files(used) == {SECRETS}


def test_the_driver_file_that_was_there_before_comes_back(used: Machine) -> None:
    conf = used.root.joinpath(*CONF_FOLDER, CONF_FILE)
    assert conf.read_text().startswith(DRIVER_HEADER)
    conf.with_name(KEPT_FILE).write_text("mine")
    remove(used)
    assert conf.read_text() == "mine"
    assert not conf.with_name(KEPT_FILE).exists()


def test_a_driver_file_of_somebody_else_stays(used: Machine) -> None:
    conf = used.root.joinpath(*CONF_FOLDER, CONF_FILE)
    conf.write_text("mine")
    remove(used)
    assert conf.read_text() == "mine"


def test_a_psictl_of_somebody_else_stays(used: Machine) -> None:
    launcher = used.root / "usr/local/bin/psictl"
    launcher.unlink()
    launcher.symlink_to("/opt/other/psictl")
    remove(used)
    assert launcher.is_symlink()


def test_without_a_running_systemd_the_units_are_disabled_all_the_same(
    used: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(used.host, "booted", lambda: False)
    remove(used)
    assert [line.split()[0] for line in used.host.log] == ["disable"]


def test_what_is_mounted_inside_is_not_removed(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"22 1 8:1 / / rw - ext4 x rw\n23 22 8:1 /usr {tmp_path}/psi/root/usr rw -\n")
    with pytest.raises(PsiError, match="psi/root/usr: umount it, nothing was changed"):
        check_no_mounts(tmp_path / "psi", mounts)
    check_no_mounts(tmp_path / "psi/versions", mounts)
    check_no_mounts(tmp_path / "ps", mounts)
