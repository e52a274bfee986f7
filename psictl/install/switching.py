"""The new version comes into force: what it needs, then the units, then the link, then restarts.

A failure on the way takes back what was done, after restarts too; from the marker ``unfinished``
on, a run that was cut off is finished by the next one.
"""

from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from psi.shared.errors import PsiError
from psictl.install import launcher, skeleton, texts, versions
from psictl.install.driver_conf import install_driver
from psictl.install.example import write_example
from psictl.install.host import TARGET, Host, active
from psictl.install.looking import Outlook, Wanted
from psictl.install.places import SYSUSERS, TMPFILES
from psictl.install.request import Report, Request, Tell, by_folder
from psictl.install.shipped import unit_names

PREVIOUS: Final = "previous"
"""The link to the version that was in force before; that one is kept."""
_NEXT: Final = (
    "next: write {config}/config.yaml (config.yaml.example is beside it), then psictl apply, "
    "systemctl enable --now psi.target, psictl setup"
)


@dataclass
class Switch:
    """One switch to a version that is complete."""

    request: Request
    wanted: Wanted
    outlook: Outlook
    version: str
    tell: Tell
    report: Report = field(default_factory=Report)
    restarted: list[str] = field(default_factory=list)

    def run(self) -> Report:
        """Put the version into force; raises PsiError, and then the one before is in force."""
        places, before = self.request.places, self._begin()
        try:
            self.tell("switching")
            self._prepare()
            with ExitStack() as undo:
                texts.write(places.root, self.outlook.changes)
                undo.callback(self._go_back)
                if self.version != self.outlook.before:
                    versions.point(places, self.version)
                self._restart()
                undo.pop_all()
        except PsiError as error:
            raise self._explained(error) from error
        self._write_rest()
        self._tidy(before)
        places.unfinished.unlink()
        return self._told()

    def _begin(self) -> str | None:
        """Note that a switch is under way; return the version before it, also if it was cut off."""
        marker = self.request.places.unfinished
        if not marker.exists():
            marker.write_text(self.outlook.before or "")
        return marker.read_text() or None

    def _explained(self, error: PsiError) -> PsiError:
        places = self.request.places
        if versions.in_force(places) == self.version:
            return PsiError(f"{error}; when that is mended, run psictl install again")
        places.unfinished.unlink()
        if self.outlook.before is None:
            return PsiError(f"{error}; nothing is installed")
        return PsiError(f"{error}; {self.outlook.before} is still in force")

    def _prepare(self) -> None:
        """Make what the new version needs and the old one does not mind."""
        places, host = self.request.places, self.request.host
        if host is not None:
            host.make_users(self._all_of(SYSUSERS))
        if skeleton.extend_skeleton(places.skeleton, self.wanted.skeleton):
            self.report.changes.append(f"{places.skeleton}: written")
        if host is not None:
            host.make_folders(self._all_of(TMPFILES))
        self.report.changes += write_example(places.config_dir)

    def _all_of(self, folder: str) -> str:
        found = (text for path, text in self.wanted.texts.items() if path.startswith(f"{folder}/"))
        return "".join(found)

    def _restart(self) -> None:
        """Let systemd take the new version up; raises PsiError at the first that fails."""
        host = self._booted()
        if host is None:
            return
        self.tell("reloading systemd")
        host.reload()
        for unit in active(host, unit_names(self.wanted.texts)):
            self.tell(f"restarting {unit}")
            self.restarted.append(unit)
            _restart(host, unit)
        self._start_new(host)

    def _start_new(self, host: Host) -> None:
        """Start what the new version has more, such as a timer, where PSI runs."""
        new = unit_names(change.path for change in self.outlook.changes if change.old is None)
        if new and host.states([TARGET])[TARGET] == "active":
            host.start([TARGET])

    def _go_back(self) -> None:
        """Put the version before into force again, whatever it takes."""
        places, before = self.request.places, self.outlook.before
        texts.take_back(places.root, self.outlook.changes)
        if before is None:
            places.current.unlink(missing_ok=True)
        elif versions.in_force(places) != before:
            versions.point(places, before)
        host = self._booted()
        if host is not None:
            host.reload()
            for unit in self.restarted:
                with suppress(PsiError):  # what is told is why the new version did not come up
                    _restart(host, unit)

    def _booted(self) -> Host | None:
        host = self.request.host
        return host if host is not None and host.booted() else None

    def _write_rest(self) -> None:
        places = self.request.places
        driver = install_driver(places.root, default_driver=self.request.default_driver)
        self.report.changes += driver.messages[1:] if driver.changed else ()
        if self.outlook.launcher_new:
            launcher.link(places)
            self.report.changes.append(f"{places.launcher}: written")

    def _tidy(self, before: str | None) -> None:
        """Remove what is no longer shipped, and all versions but this and the one before."""
        places, host = self.request.places, self._booted()
        gone = [change for change in self.outlook.changes if change.new is None]
        units = unit_names(change.path for change in gone)
        if units and self.request.host is not None:
            if host is not None:
                host.stop(units)
            self.request.host.disable(units)
        texts.remove(places.root, gone)
        if gone and host is not None:
            host.reload()
        if before not in {None, self.version}:
            versions.point(places, str(before), PREVIOUS)
        kept = {self.version, versions.in_force(places, PREVIOUS)}
        removed = versions.prune(places, kept)
        self.report.changes += [f"version {name}: removed" for name in removed]

    def _told(self) -> Report:
        changes, notes = self.report.changes, self.report.notes
        changes += [f"{unit}: restarted" for unit in self.restarted]
        changes[:0] = by_folder([(change.path, change.told) for change in self.outlook.changes])
        suite = self.outlook.recipe.suite
        if self.version != self.outlook.before:
            changes.insert(0, f"psi-suite {suite.version}: {self.version} is in force")
        if self.request.host is not None and self._booted() is None:
            notes.append("systemd does not run here: nothing was reloaded or restarted")
        sockets = [
            Path(change.path).name
            for change in self.outlook.changes
            if change.path.endswith(".socket") and change.told == "replaced"
        ]
        if sockets and self._booted() is not None:
            notes.append(
                f"changed, and in force after systemctl restart psi.target: {', '.join(sockets)}"
            )
        if self.outlook.before is None:
            notes.append(_NEXT.format(config=self.request.places.config_dir))
        return self.report


def _restart(host: Host, unit: str) -> None:
    try:
        host.restart(unit)
    except PsiError as error:
        raise PsiError(f"{unit} did not come up (journalctl -u {unit}): {error}") from error
