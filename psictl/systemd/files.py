"""The files of an installation, held against those that this psictl would install."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from psi.shared.errors import ConfigError
from psictl.install.host import OLDEST_SYSTEMD, systemd_version
from psictl.install.interpreter import find_interpreter
from psictl.install.launcher import is_linked
from psictl.install.places import PREFIX, UNITS, Places
from psictl.install.rendering import HEADER, render
from psictl.install.shipped import read_shipped
from psictl.install.versions import in_force, read_manifest
from psictl.systemd.problem import Problem

_INSTALL: Final = "psictl install"


@dataclass(frozen=True)
class Installation:
    """Where it is, and the files that belong to it."""

    places: Places
    texts: Mapping[str, str]
    """By their paths on the host, without the root."""

    def problems(self, unread: list[str]) -> Iterator[Problem]:
        """Return what differs; what cannot be read is added to ``unread``."""
        yield from self._of_programs()
        for path, text in self.texts.items():
            try:
                yield from _compared(path, self.places.below(path), text)
            except OSError as error:
                unread.append(f"{path}: {error.strerror}")
        for path in self._leftovers():
            told = "belongs to no unit of this version"
            yield Problem(path, told, _INSTALL)

    def _of_programs(self) -> Iterator[Problem]:
        places = self.places
        current = f"{places.prefix}/current"
        if not places.current.is_dir():
            yield Problem(current, "leads to no programs", _INSTALL, down=True)
        if places.unfinished.exists():
            yield Problem(current, "was switched by an install that did not end", _INSTALL)
        try:
            if not is_linked(places):
                yield Problem(
                    f"/{places.launcher.relative_to(places.root)}", "is missing", _INSTALL
                )
        except ConfigError as error:
            yield Problem("psictl", "is not the installed one", str(error))

    def _leftovers(self) -> Iterator[str]:
        """Give the files that an earlier version installed and this one would not."""
        folder = self.places.below(UNITS)
        for file in sorted([*folder.glob("psi*"), *folder.glob("psi*.d/*.conf")]):
            path = f"{UNITS}/{file.relative_to(folder)}"
            if path not in self.texts and file.is_file() and _is_ours(file):
                yield path


def read_installation(places: Places, folder: Path) -> Installation:
    """Return what this psictl would install there of the unit files in a folder."""
    shipped = read_shipped(folder, systemd_version() or OLDEST_SYSTEMD)
    return Installation(places, render(shipped, places, _interpreter(places)))


def installed_places(root: Path, programs: str = sys.prefix) -> Places:
    """Return where this psictl is installed: below a prefix of its own, or by default the usual."""
    for folder in Path(programs).resolve().parents:
        if (folder / "versions").is_dir() and (folder / "root").is_dir():
            try:
                return Places(root, str(folder))
            except ConfigError:
                break
    return Places(root, PREFIX)


def _interpreter(places: Places) -> str:
    """Return the interpreter of the version in force; else the one that would be taken."""
    version = in_force(places)
    manifest = read_manifest(places.versions / version) if version else None
    return manifest.made_from.interpreter if manifest else find_interpreter().real


def _compared(path: str, file: Path, text: str) -> Iterator[Problem]:
    try:
        present = file.read_bytes()
    except FileNotFoundError:
        yield Problem(path, "is missing", _INSTALL)
        return
    if present == text.encode():
        return
    if present.startswith(HEADER.encode()):
        yield Problem(path, "is not what this psictl installs", _INSTALL)
    else:
        remedy = f"move it away, then {_INSTALL}; change a unit by a drop-in (systemctl edit)"
        yield Problem(path, "was not written by psictl install", remedy)


def _is_ours(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(len(HEADER)) == HEADER.encode()
    except OSError:
        return False
