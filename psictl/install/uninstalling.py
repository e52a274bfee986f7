"""Everything that an installation made is taken away; with purge, what was made since, too.

psictl itself goes last, so that a run that was cut off can be repeated.
"""

import pwd
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from psi.shared.errors import PsiError
from psictl.install import launcher, systemd, texts, versions
from psictl.install.driver_conf import remove_driver
from psictl.install.locking import check_root, locked
from psictl.install.places import UNITS, Places
from psictl.install.programs import run
from psictl.install.request import Report, Tell
from psictl.install.shipped import ANY_SYSTEMD, read_shipped, shipped_folder

STATE: Final = ("var/lib/psi", "var/lib/psi-sealer", "var/lib/psi-pki", "var/lib/psi-config")
RUN: Final = ("run/psi", "run/psi-ipc", "run/psi-ctl", "run/psi-hooks")
USERS: Final = ("psi-frontend", "psi-broker", "psi-sealer", "psi-pki")
_MOUNTS: Final = Path("/proc/self/mountinfo")


def uninstall(places: Places, *, purge: bool, dry_run: bool, tell: Tell) -> Report:
    """Stop and remove what is installed, and with ``purge`` configuration, state and users.

    Raises PsiError.
    """
    if not dry_run:
        check_root(places)
    if not places.home.is_dir() and not purge:
        return Report(notes=[f"nothing is installed below {places.home}"])
    check_no_mounts(places.home)
    files = _installed_files(places)
    if dry_run:
        return _foretell(places, files, purge=purge)
    report = Report()
    with locked(places):
        _remove_units(places, files, report, tell)
        report.changes += remove_driver(places.root)
        if purge:
            report.changes += _purge(places)
        _remove_programs(places, report)
    report.notes += _what_stays(places, purge=purge)
    return report


def check_no_mounts(folder: Path, mounts: Path = _MOUNTS) -> None:
    """Raise PsiError where something is mounted inside a folder that is to be removed."""
    inside = f"{folder.resolve()}/"
    for line in mounts.read_text().splitlines():
        point = line.split()[4]
        if point.startswith(inside):
            raise PsiError(f"something is mounted on {point}: umount it, nothing was changed")


def _installed_files(places: Places) -> list[texts.Change]:
    known = set(read_shipped(shipped_folder(), ANY_SYSTEMD).texts)
    for manifest in versions.complete(places).values():
        known |= set(manifest.files)
    return texts.changes(places.root, {}, known)


def _remove_units(places: Places, files: list[texts.Change], report: Report, tell: Tell) -> None:
    units = [Path(each.path).name for each in files if Path(each.path).parent == Path(UNITS)]
    if units and places.is_host:
        tell("stopping the units")
        systemd.stop_and_disable(units)
    texts.remove(places.root, files)
    texts.sweep(places.root, [change.path for change in files])
    report.changes += [f"{change.path}: removed" for change in files]
    if places.is_host and systemd.is_booted():
        systemd.reload()


def _remove_programs(places: Places, report: Report) -> None:
    """Remove the launcher and all versions; the folder goes at last, with what is in it."""
    if launcher.unlink(places):
        report.changes.append(f"{places.launcher}: removed")
    shutil.rmtree(places.home)
    report.changes.append(f"{places.home}: removed")


def _purge(places: Places) -> list[str]:
    told = []
    for name in (*STATE, *RUN, "etc/psi"):
        path = places.root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
            told.append(f"{path}: removed")
    for link in sorted(places.root.glob("etc/systemd/system/psi*.d/50-psi.conf")):
        link.unlink()
        with suppress(OSError):
            link.parent.rmdir()
        told.append(f"{link}: removed")
    if places.is_host:
        told += [f"user {user}: removed" for user in _remove_users(USERS)]
    return told


def _remove_users(users: Iterable[str]) -> list[str]:
    removed = []
    for user in users:
        with suppress(KeyError):
            pwd.getpwnam(user)
            run(["userdel", user], f"the user {user} could not be removed")
            removed.append(user)
    return removed


def _foretell(places: Places, files: list[texts.Change], *, purge: bool) -> Report:
    report = Report([f"{change.path}: would be removed" for change in files])
    names = (*STATE, *RUN, "etc/psi") if purge else ()
    there = [places.home, *(places.root / name for name in names)]
    report.changes += [f"{path}: would be removed" for path in there if path.exists()]
    if purge and places.is_host:
        report.changes.append(f"the users {', '.join(USERS)} would be removed")
    return report


def _what_stays(places: Places, *, purge: bool) -> list[str]:
    notes = ["Podman's secrets and the drop-ins in /etc/containers/systemd stay as they are"]
    if not purge:
        notes.append(f"{places.config_dir}, the state in /var/lib/psi* and the users stay as well")
    return notes
