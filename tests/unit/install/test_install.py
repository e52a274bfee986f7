"""A whole installation: what is there afterwards, a second run, an upgrade, a staged package."""

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from psi.shared.errors import PsiError, Temporary
from psictl.install.environments import PIN, libraries_of, site_of
from psictl.install.locking import locked
from tests.fakes.install.wheels import write_wheel
from tests.unit.install.conftest import INTERPRETERS, MARK, RUNNING, Copy, Machine

PROCESSES = ("frontend", "broker", "sealer", "pki", "psictl")
MACHINE_WIDE = ("msgspec", "psi_suite")


def libraries(machine: Machine, process: str) -> set[str]:
    names = libraries_of(machine.root / "usr/lib/psi/current" / process)
    return {name.rpartition("-")[0] for name in names}


def test_each_environment_has_its_libraries_and_no_others(installed: Machine) -> None:
    wanted = {
        "frontend": {"uvloop", "sdnotify"},
        "broker": {"httpx", "cryptography", "uvloop", "sdnotify", "botocore"},
        "sealer": {"cryptography", "sdnotify", "python_pkcs11"},
        "pki": {"cryptography", "sdnotify"},
        "psictl": {"pyyaml", "httpx", "rich", "typer", "python_dotenv"},
    }
    for process, extra in wanted.items():
        assert libraries(installed, process) == {*MACHINE_WIDE, *extra}


def test_each_environment_has_its_own_code_alone(installed: Machine) -> None:
    for process in PROCESSES:
        site = site_of(installed.root / "usr/lib/psi/current" / process)
        own = {"shared"} if process == "psictl" else {"shared", process}
        assert {path.name for path in (site / "psi").iterdir()} == own
        assert (site / "psictl").is_dir() == (process == "psictl")


def test_no_pip_and_no_place_of_making_is_left(installed: Machine) -> None:
    home = installed.root / "usr/lib/psi"
    for process in PROCESSES:
        folder = home / "current" / process
        programs = {path.name for path in (folder / "bin").iterdir()}
        assert {name for name in programs if not name.startswith("python")} <= {"psictl"}
        assert not list(site_of(folder).glob("pip*"))
        told = [*folder.glob("*.cfg"), *folder.rglob("RECORD"), *folder.rglob("*.pyc")]
        assert not [path for path in told if b"versions/.new-" in path.read_bytes()]
    assert not list(home.rglob("direct_url.json"))
    assert not list((home / "versions").glob(".*"))


def test_all_is_compiled_for_its_place(installed: Machine) -> None:
    site = site_of(installed.root / "usr/lib/psi/current/frontend")
    (compiled,) = (site / "psi/frontend/__pycache__").glob("__main__.*.pyc")
    content = compiled.read_bytes()
    assert int.from_bytes(content[4:8], "little") == 1  # by hash, unchecked (PEP 552)
    place = f"/usr/lib/psi/versions/{installed.version}/frontend/lib/"
    assert place.encode() in content
    for process in PROCESSES:
        sources = list(site_of(installed.root / f"usr/lib/psi/current/{process}").rglob("*.py"))
        assert sources
        for source in sources:
            assert list((source.parent / "__pycache__").glob(f"{source.stem}.*.pyc")), source


def test_all_may_be_read_by_the_services(installed: Machine) -> None:
    for path in (installed.root / "usr").rglob("*"):
        if not path.is_symlink():
            wanted = 0o755 if path.is_dir() else 0o444
            assert stat.S_IMODE(path.stat().st_mode) & wanted == wanted, path


def test_psictl_is_found_through_links_that_lead_to_the_version(installed: Machine) -> None:
    launcher = installed.root / "usr/local/bin/psictl"
    assert str(launcher.readlink()) == "/usr/lib/psi/current/psictl/bin/psictl"
    script = installed.root / "usr/lib/psi/current/psictl/bin/psictl"
    first = script.read_text().splitlines()[0]
    assert first == f"#!/usr/lib/psi/versions/{installed.version}/psictl/bin/python3 -I"
    assert script.stat().st_mode & 0o111


def test_the_host_gets_users_folders_and_units(installed: Machine) -> None:
    assert installed.host.log == [
        "users psi-frontend psi-broker psi-sealer psi-pki", installed.host.log[1], "reload",
    ]  # fmt: skip
    assert installed.host.log[1].startswith("folders ")
    for name in ("systemd/system/psi.target", "sysusers.d/psi.conf", "tmpfiles.d/psi.conf"):
        assert (installed.root / "usr/lib" / name).is_file()
    conf = installed.root / "etc/containers/containers.conf.d/psi.conf"
    assert "--unix-socket /run/psi/psi.sock" in conf.read_text()


def test_there_is_a_folder_for_the_configuration_and_an_example(installed: Machine) -> None:
    folder = installed.root / "etc/psi"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == ["config.yaml.example"]
    assert stat.S_IMODE((folder / "config.yaml.example").stat().st_mode) == 0o600


def test_a_second_run_changes_nothing_and_says_so(copy: Copy, installed: Machine) -> None:
    machine = copy(installed)
    before = machine.snapshot()
    report = machine.install()
    assert machine.snapshot() == before
    assert report.changes == []
    assert report.notes == [
        f"psi-suite 0.1.0 ({machine.version}) is installed already: nothing was changed"
    ]
    assert machine.host.log == []


def test_a_second_run_finds_what_was_installed_without_a_wheelhouse(
    copy: Copy, installed: Machine
) -> None:
    machine = copy(installed)
    report = machine.install(wheelhouse=None, source=machine.kept("current"))
    assert report.changes == []


def test_a_unit_that_was_lost_is_put_back(copy: Copy, installed: Machine) -> None:
    machine = copy(installed)
    before = machine.snapshot()
    (machine.root / "usr/lib/systemd/system/psi.target").unlink()
    assert machine.install().changes == ["/usr/lib/systemd/system/psi.target: written"]
    assert machine.snapshot() == before


def test_the_configuration_is_left_alone(copy: Copy, upgradable: Machine, newer: Path) -> None:
    machine = copy(upgradable)
    config = machine.root / "etc/psi/config.yaml"
    config.write_text("mine")
    (machine.root / "etc/psi/config.yaml.example").unlink()
    state = machine.root / "var/lib/psi"
    state.mkdir(parents=True)
    (state / "cache.enc").write_bytes(b"sealed")
    machine.install(wheelhouse=newer)
    assert [path.name for path in (machine.root / "etc/psi").iterdir()] == ["config.yaml"]
    assert config.read_text() == "mine"
    assert (state / "cache.enc").read_bytes() == b"sealed"


def test_an_upgrade_is_beside_and_keeps_the_version_before(
    copy: Copy, upgradable: Machine, newer: Path
) -> None:
    machine = copy(upgradable)
    machine.host.running = ["psi-sealer.service", *RUNNING]
    before = machine.version
    report = machine.install(wheelhouse=newer)
    home = machine.root / "usr/lib/psi"
    assert machine.version != before
    assert str((home / "previous").readlink()) == f"versions/{before}"
    assert {path.name for path in (home / "versions").iterdir()} == {before, machine.version}
    site = site_of(home / "current/frontend")
    assert (site / "psi/frontend/__init__.py").read_bytes() == MARK
    restarts = [line for line in machine.host.log if line.startswith("restart")]
    assert restarts == [
        f"restart psi-{name}.service" for name in ("sealer", "broker", "pki", "frontend")
    ]
    assert machine.host.log.index("reload") < machine.host.log.index(restarts[0])
    assert f"psi-suite 0.1.0: {machine.version} is in force" in report.changes
    assert not (home / "unfinished").exists()


def test_an_upgrade_restarts_only_what_is_active(
    copy: Copy, upgradable: Machine, newer: Path
) -> None:
    machine = copy(upgradable)
    machine.host.running = ["psi-broker.service"]
    machine.install(wheelhouse=newer)
    restarts = [line for line in machine.host.log if line.startswith("restart")]
    assert restarts == ["restart psi-broker.service"]


def test_only_the_version_before_is_kept(copy: Copy, upgraded: Machine) -> None:
    machine = copy(upgraded)
    versions = machine.root / "usr/lib/psi/versions"
    kept = {path.name for path in versions.iterdir()}
    older = versions / "0.0.9-000000000000"
    older.mkdir()
    (older / "manifest.json").write_bytes(
        (versions / machine.version / "manifest.json").read_bytes()
    )
    (machine.root / "usr/lib/psi/unfinished").write_text("")
    report = machine.install(wheelhouse=None, source=machine.kept("current"))
    assert f"version {older.name}: removed" in report.changes
    assert {path.name for path in versions.iterdir()} == kept


def test_going_back_makes_nothing_anew(copy: Copy, upgraded: Machine) -> None:
    machine = copy(upgraded)
    before = (machine.root / "usr/lib/psi/previous").readlink().name
    machine.install(wheelhouse=None, source=machine.kept("previous"))
    assert machine.version == before
    assert not any("libraries" in line for line in machine.heard)


def test_newer_libraries_make_another_version(
    copy: Copy, installed: Machine, wheelhouse: Path, tmp_path: Path
) -> None:
    machine = copy(installed)
    before = machine.version
    shutil.copytree(wheelhouse, tmp_path / "newest")
    write_wheel(tmp_path / "newest", "uvloop", "0.22.2")
    machine.install(wheelhouse=tmp_path / "newest")
    assert machine.version != before
    site = site_of(machine.root / "usr/lib/psi/current/frontend")
    assert (site / "uvloop-0.22.2.dist-info").is_dir()


def test_a_dry_run_tells_all_and_changes_nothing(machine: Machine) -> None:
    report = machine.install(dry_run=True)
    assert list(machine.root.iterdir()) == []
    assert machine.host.log == []
    assert (
        f"psi-suite 0.1.0: would be made below {machine.root}/usr/lib/psi/versions"
        in report.changes
    )
    assert "/usr/lib/systemd/system/psi.target: would be written" in report.changes
    assert f"{machine.root}/usr/local/bin/psictl: would be written" in report.changes


def test_a_dry_run_of_an_upgrade_tells_what_restarts(
    copy: Copy, upgradable: Machine, newer: Path
) -> None:
    machine = copy(upgradable)
    machine.host.running = ["psi-broker.service"]
    report = machine.install(wheelhouse=newer, dry_run=True)
    assert "psi-broker.service: would be restarted" in report.changes
    assert machine.host.log == []


def test_a_package_is_staged_without_users_and_services(tmp_path: Path, wheelhouse: Path) -> None:
    machine = Machine(tmp_path / "root", wheelhouse, staged=True)
    machine.root.mkdir()
    machine.install(pkcs11=False)
    assert machine.host.log == []
    assert (machine.root / "usr/lib/systemd/system/psi.target").is_file()
    assert "tpm2_pytss" in libraries(machine, "sealer")
    assert "python_pkcs11" not in libraries(machine, "sealer")
    conf = machine.root / "etc/containers/containers.conf.d/psi.conf"
    assert str(machine.root) not in conf.read_text()


def test_what_a_service_imports_later_is_of_its_own_version(upgraded: Machine) -> None:
    """A process finds its libraries through the link, which an upgrade changes below it."""
    home = upgraded.root / "usr/lib/psi"
    script = (
        "import os, sys; home = sys.argv[1]\n"
        "os.unlink(f'{home}/link'); os.symlink('previous', f'{home}/link')\n"
        "import psi.frontend; print(psi.frontend.__file__)\n"
    )
    (home / "link").symlink_to("current")
    python = home / "link/frontend/bin/python3"
    done = subprocess.run(
        [python, "-I", "-c", script, home], capture_output=True, text=True, check=True
    )
    (home / "link").unlink()
    assert f"/versions/{upgraded.version}/" in done.stdout
    assert (site_of(home / "current/frontend") / PIN).is_file()


def test_the_manifest_says_what_a_version_is_made_of(installed: Machine) -> None:
    text = (installed.root / "usr/lib/psi/current/manifest.json").read_text()
    manifest = json.loads(text)
    assert manifest["made_from"]["tpm"] is False
    assert manifest["libraries"]["frontend"] == [
        "msgspec-0.20.0", "psi_suite-0.1.0", "sdnotify-0.3.2", "uvloop-0.22.1",
    ]  # fmt: skip
    assert manifest["made_from"]["interpreter"] == os.path.realpath(INTERPRETERS[0])


def test_a_second_installer_is_sent_away(copy: Copy, installed: Machine) -> None:
    machine = copy(installed)
    with locked(machine.request.places), pytest.raises(Temporary, match="another psictl install"):
        machine.install()
    machine.install()


def test_pip_that_fails_leaves_what_was_there(
    copy: Copy, installed: Machine, newer: Path, tmp_path: Path
) -> None:
    machine = copy(installed)
    before = machine.snapshot()
    broken = tmp_path / "broken"
    broken.mkdir()
    for wheel in newer.iterdir():
        if not wheel.name.startswith("cryptography"):
            (broken / wheel.name).write_bytes(wheel.read_bytes())
    with pytest.raises(PsiError, match=r"pip could not install .*cryptography"):
        machine.install(wheelhouse=broken)
    assert machine.snapshot() == before
    assert not any(line.startswith("restart") for line in machine.host.log)


def test_pip_that_fails_the_first_time_leaves_nothing(machine: Machine, tmp_path: Path) -> None:
    assert machine.request.wheelhouse is not None
    alone = tmp_path / "alone"
    alone.mkdir()
    (suite,) = machine.request.wheelhouse.glob("psi_suite-*.whl")
    (alone / suite.name).write_bytes(suite.read_bytes())
    with pytest.raises(PsiError, match="pip could not install"):
        machine.install(wheelhouse=alone)
    assert [str(p.relative_to(machine.root)) for p in machine.root.rglob("*")] == ["usr", "usr/lib"]
