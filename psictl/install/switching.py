"""The new version comes into force: what it needs, then the units, then the link, then restarts.

Up to the link's rename a failure takes back what was done. From the marker ``unfinished`` on,
a run that was cut off is finished by the next one.
"""

import os
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from psictl.install import launcher, skeleton, systemd, texts, versions
from psictl.install.driver_conf import install_driver
from psictl.install.looking import Outlook, Wanted
from psictl.install.places import SYSUSERS, TMPFILES, UNITS, Places
from psictl.install.request import Report, Request, Tell

EXAMPLE: Final = "config.yaml.example"
_EXAMPLE_SOURCE: Final = Path(__file__).with_name(EXAMPLE)
_PREVIOUS: Final = "previous"


def switch(request: Request, wanted: Wanted, outlook: Outlook, version: str, tell: Tell) -> Report:
    """Put a complete version into force; raises PsiError."""
    places, report = request.places, Report()
    tell("switching")
    _prepare(places, wanted, report)
    with ExitStack() as undo:
        texts.write(places.root, outlook.changes)
        undo.callback(texts.take_back, places.root, outlook.changes)
        if version != outlook.before:
            versions.point(places, version)
        undo.pop_all()
    report.changes += [f"{change.path}: {change.told}" for change in outlook.changes]
    driver = install_driver(places.root, default_driver=request.default_driver)
    report.changes += driver.messages[1:] if driver.changed else ()
    if outlook.launcher_new:
        launcher.link(places)
        report.changes.append(f"{places.launcher}: written")
    return report


def begin(places: Places, before: str | None) -> None:
    """Note that a switch is under way, and from which version."""
    if not places.unfinished.exists():
        places.unfinished.write_text(before or "")


def end(places: Places, outlook: Outlook, version: str, report: Report, tell: Tell) -> None:
    """Let systemd take the new version up, and tidy; raises PsiError."""
    before = places.unfinished.read_text() or None
    gone = [change for change in outlook.changes if change.new is None]
    if places.is_host:
        _take_up(outlook, gone, report, tell)
    texts.remove(places.root, gone)
    if gone and places.is_host and systemd.is_booted():
        systemd.reload()
    if before not in {None, version}:
        versions.point(places, before or version, _PREVIOUS)
    kept = {version, before, versions.in_force(places, _PREVIOUS)}
    report.changes += [f"version {name}: removed" for name in versions.prune(places, kept)]
    os.sync()
    places.unfinished.unlink()


def _prepare(places: Places, wanted: Wanted, report: Report) -> None:
    """Make what the new version needs and the old one does not mind."""
    if places.is_host:
        systemd.make_users(_all_of(wanted, SYSUSERS))
    if skeleton.extend_skeleton(places.skeleton, wanted.skeleton):
        report.changes.append(f"{places.skeleton}: written")
    if places.is_host:
        systemd.make_folders(_all_of(wanted, TMPFILES))
    if not places.config_dir.is_dir():
        places.config_dir.mkdir(mode=0o700, parents=True)
        places.config_dir.chmod(0o700)
    example = places.config_dir / EXAMPLE
    if not example.exists() and not (places.config_dir / "config.yaml").exists():
        with suppress(FileExistsError), example.open("x") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(_EXAMPLE_SOURCE.read_text())
        report.changes.append(f"{example}: written")


def _all_of(wanted: Wanted, folder: str) -> str:
    return "".join(text for path, text in wanted.texts.items() if path.startswith(f"{folder}/"))


def _take_up(outlook: Outlook, gone: Iterable[texts.Change], report: Report, tell: Tell) -> None:
    dropped = [Path(change.path).name for change in gone if Path(change.path).parent == Path(UNITS)]
    if dropped:
        systemd.stop_and_disable(dropped)
    if not systemd.is_booted():
        report.notes.append("systemd does not run here: nothing was reloaded or restarted")
        return
    tell("reloading systemd")
    systemd.reload()
    names = [Path(path).name for path in outlook.recipe.files]
    restarted = systemd.restart(systemd.restart_order(names), tell)
    report.changes += [f"{name}: restarted" for name in restarted]
    sockets = [
        name for change in outlook.changes
        if (name := Path(change.path).name).endswith(".socket") and change.old is not None
    ]  # fmt: skip
    if restarted and sockets:
        report.notes.append(
            f"{', '.join(sockets)} changed: in force after systemctl restart psi.target, or a boot"
        )
