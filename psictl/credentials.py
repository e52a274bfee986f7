"""The folders of named credentials, and which of them the services in force are given."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from psi.shared.errors import ConfigError, PsiError
from psi.shared.processes import Process
from psi.shared.projection import BrokerProjection, SealerProjection, decode_projection
from psictl.apply import folder
from psictl.apply.generation import CURRENT
from psictl.apply.naming import drop_in_name, file_name
from psictl.config.projection import credentials
from psictl.layout import Layout


@dataclass(frozen=True)
class Credential:
    """A file in one of the folders."""

    path: Path
    encrypted: bool
    unit: str
    """The service that the generation in force gives it to; empty if none."""
    loaded: bool
    """Whether that service is given this file, and not another of the name."""

    @property
    def name(self) -> str:
        """The credential's name."""
        return self.path.name


@dataclass(frozen=True)
class CredentialStore:
    """Both folders of a host."""

    layout: Layout

    def folder(self, *, encrypted: bool) -> Path:
        """Return where credentials of a kind lie."""
        return self.layout.credstore_encrypted if encrypted else self.layout.credstore

    def find(self, name: str) -> list[Credential]:
        """Return the files of a name, the encrypted one first, for it counts."""
        return [each for each in self.all() if each.name == name]

    def all(self) -> list[Credential]:
        """Return all, by kind and name; raises PsiError where a folder cannot be read."""
        users = self._users()
        return [
            self._credential(path, users, encrypted=encrypted)
            for encrypted in (True, False)
            for path in self._files(self.folder(encrypted=encrypted))
        ]

    def write(self, name: str, content: bytes, *, encrypted: bool) -> Credential:
        """Put a file in its place, whole, and on disk; raises PsiError."""
        place = self.folder(encrypted=encrypted)
        with self._refusals(place), folder.open_private(place) as opened:
            folder.replace_file(name, content, opened)
        return self._credential(place / name, self._users(), encrypted=encrypted)

    def remove(self, credential: Credential) -> None:
        """Remove a file; raises PsiError."""
        place = credential.path.parent
        with self._refusals(place), folder.open_private(place) as opened:
            os.unlink(credential.name, dir_fd=opened)
            os.fsync(opened)

    def _files(self, place: Path) -> list[Path]:
        with self._refusals(place):
            try:
                return sorted(path for path in place.iterdir() if path.is_file())
            except FileNotFoundError:
                return []

    def _credential(self, path: Path, users: dict[str, str], *, encrypted: bool) -> Credential:
        unit = users.get(path.name, "")
        return Credential(path, encrypted, unit, bool(unit) and self._is_loaded(unit, path))

    def _users(self) -> dict[str, str]:
        """Return the unit of each credential that the generation in force names."""
        found: dict[str, str] = {}
        for process in (Process.BROKER, Process.SEALER):
            path = self.layout.current / file_name(process)
            with contextlib.suppress(OSError, ConfigError):
                names = credentials(_decoded(process, path.read_bytes()))
                found.update(dict.fromkeys(names, process.unit))
        return found

    def _is_loaded(self, unit: str, path: Path) -> bool:
        """Tell whether a unit's drop-in names a file; a development host has the clear one."""
        drop_in = self.layout.generated / CURRENT / drop_in_name(unit)
        try:
            lines = drop_in.read_text().splitlines()
        except OSError:
            return path.parent == self.layout.credstore
        given = f"={path.name}:{path}"
        return any(line.startswith("Load") and line.endswith(given) for line in lines)

    @contextlib.contextmanager
    def _refusals(self, place: Path) -> Iterator[None]:
        try:
            yield
        except PermissionError as error:
            raise PsiError(f"{place}: {error.strerror}; run as root") from None
        except OSError as error:
            raise PsiError(f"{place}: {error.strerror}; nothing was changed there") from error


def _decoded(process: Process, data: bytes) -> BrokerProjection | SealerProjection:
    if process is Process.SEALER:
        return decode_projection(data, SealerProjection)
    return decode_projection(data, BrokerProjection)
