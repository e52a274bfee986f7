"""Everything that an installation made is taken away; with purge, what was made since, too.

psictl itself goes last, so that a run that was cut off can be repeated.
"""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from psi.shared.errors import PsiError
from psictl.apply.links import NAME
from psictl.install import launcher, texts, versions
from psictl.install.driver_conf import remove_driver
from psictl.install.host import RESTART_ORDER
from psictl.install.locking import check_root, locked
from psictl.install.places import Places
from psictl.install.request import Report, Request, Tell, by_folder
from psictl.install.shipped import ANY_SYSTEMD, read_shipped, shipped_folder, unit_names

FOLDERS: Final = (
    "var/lib/psi", "var/lib/psi-sealer", "var/lib/psi-pki", "var/lib/psi-config", "etc/psi",
    "run/psi", "run/psi-ipc", "run/psi-ctl", "run/psi-hooks",
)  # fmt: skip  # a list of words
DROP_INS: Final = "etc/systemd/system/psi*.d"
"""Where psictl apply links its own."""
USERS: Final = tuple(process.user for process in RESTART_ORDER)
_MOUNTS: Final = Path("/proc/self/mountinfo")


def uninstall(request: Request, *, purge: bool, tell: Tell) -> Report:
    """Stop and remove what is installed, and with ``purge`` configuration, state and users.

    Raises PsiError.
    """
    places, host = request.places, request.host
    if host is not None and not request.dry_run:
        check_root()
    if not places.home.is_dir() and not purge:
        return Report(notes=[f"nothing is installed below {places.home}"])
    check_no_mounts(places.home)
    files = _installed_files(places)
    if request.dry_run:
        return _foretell(request, files, purge=purge)
    report = Report()
    with locked(places):
        _remove_units(request, files, report, tell)
        report.changes += remove_driver(places.root)
        if purge:
            report.changes += _purge(request)
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


def _remove_units(request: Request, files: list[texts.Change], report: Report, tell: Tell) -> None:
    root, host = request.places.root, request.host
    units = unit_names(change.path for change in files)
    if units and host is not None:
        tell("stopping the units")
        if host.booted():
            host.stop(units)
        host.disable(units)
    texts.remove(root, files)
    texts.sweep(root, [change.path for change in files])
    report.changes += by_folder([(change.path, change.told) for change in files])
    if host is not None and host.booted():
        host.reload()


def _remove_programs(places: Places, report: Report) -> None:
    if launcher.unlink(places):
        report.changes.append(f"{places.launcher}: removed")
    shutil.rmtree(places.home)
    report.changes.append(f"{places.home}: removed")


def _purge(request: Request) -> list[str]:
    """Remove what people and services made; no link that they made is followed."""
    root, told = request.places.root, []
    for path in _made_since(root):
        if path.is_symlink():
            path.unlink()
            with suppress(OSError):
                path.parent.rmdir()
        else:
            shutil.rmtree(path)
        told.append(f"{path}: removed")
    if request.host is not None:
        gone = [user for user in USERS if request.host.remove_user(user)]
        told += [f"user {user}: removed" for user in gone]
    return told


def _made_since(root: Path) -> list[Path]:
    folders = [root / name for name in FOLDERS]
    there = [path for path in folders if path.is_dir() and not path.is_symlink()]
    drop_ins = sorted(root.glob(DROP_INS))
    return there + [path / NAME for path in drop_ins if (path / NAME).is_symlink()]


def _foretell(request: Request, files: list[texts.Change], *, purge: bool) -> Report:
    places = request.places
    report = Report([f"{change.path}: would be removed" for change in files])
    there = [places.home, *(_made_since(places.root) if purge else ())]
    report.changes += [f"{path}: would be removed" for path in there if path.exists()]
    if purge and request.host is not None:
        report.changes += [f"user {user}: would be removed" for user in USERS]
    return report


def _what_stays(places: Places, *, purge: bool) -> list[str]:
    notes = ["Podman's secrets and the drop-ins in /etc/containers/systemd stay as they are"]
    if not purge:
        notes.append(f"{places.config_dir}, the state in /var/lib/psi* and the users stay as well")
    return notes
