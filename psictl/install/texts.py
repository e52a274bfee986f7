"""Units and their like, put in place together: all written beside first, then renamed.

What fails does so while the old files are still in force; a rename that fails takes the others
back. A kill between two renames leaves both kinds, and the next run puts in what is missing.
"""

import os
import re
import secrets
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from psi.shared.errors import ConfigError, PsiError
from psictl.install.rendering import HEADER
from psictl.quadlet.placement import open_folder, place, read

_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LEFTOVER: Final = re.compile(r"\A\.(?P<name>.+)\.[0-9a-f]{16}\Z")


@dataclass(frozen=True)
class Change:
    """A file that is to be written, or removed where ``new`` is None."""

    path: str
    old: bytes | None
    new: bytes | None

    @property
    def told(self) -> str:
        """What happens to it, in one word."""
        if self.new is None:
            return "removed"
        return "written" if self.old is None else "replaced"


def changes(root: Path, wanted: Mapping[str, str], dropped: Iterable[str]) -> list[Change]:
    """Return what differs from what is wanted; ``dropped`` are files of earlier versions.

    Raises ConfigError where a file that psictl did not write is in the way.
    """
    found = []
    for path, text in wanted.items():
        old, new = _present(root, path), text.encode()
        if old not in {None, new} and not (old or b"").startswith(HEADER.encode()):
            raise ConfigError(f"{path} was not written by psictl install: move it away")
        if old != new:
            found.append(Change(path, old, new))
    for path in sorted(set(dropped) - set(wanted)):
        old = _present(root, path)
        if old is not None and old.startswith(HEADER.encode()):
            found.append(Change(path, old, None))
    return found


def write(root: Path, wanted: Iterable[Change]) -> None:
    """Put all new files in their places; raises PsiError, and then the old ones are there."""
    with ExitStack() as undo:
        staged = [
            (change, _stage(root, change, undo)) for change in wanted if change.new is not None
        ]
        for change, temporary in staged:
            undo.callback(_put_back, root, change)
            with _open(root, change.path) as folder:
                _rename(folder, temporary, PurePosixPath(change.path).name)
        undo.pop_all()


def remove(root: Path, dropped: Iterable[Change]) -> None:
    """Remove files, and the folders of drop-ins that are empty then."""
    for change in dropped:
        if change.new is None:
            path = root / change.path.lstrip("/")
            path.unlink(missing_ok=True)
            if path.parent.name.endswith(".d") and "systemd/system" in change.path:
                with suppress(OSError):
                    path.parent.rmdir()


def sweep(root: Path, paths: Iterable[str]) -> None:
    """Remove the unnamed files that a killed run left beside these paths."""
    for path in paths:
        file = root / path.lstrip("/")
        for left in file.parent.glob(f".{file.name}.*"):
            if _LEFTOVER.match(left.name):
                left.unlink(missing_ok=True)


def take_back(root: Path, wanted: Iterable[Change]) -> None:
    """Put the old files back in their places; raises PsiError."""
    for change in wanted:
        if change.new is not None:
            _put_back(root, change)


def _present(root: Path, path: str) -> bytes | None:
    file = root / path.lstrip("/")
    if not file.parent.is_dir():
        return None
    with _open(root, path) as folder:
        return read(folder, file.name)


def _stage(root: Path, change: Change, undo: ExitStack) -> str:
    name = f".{PurePosixPath(change.path).name}.{secrets.token_hex(8)}"
    with _open(root, change.path) as folder:
        try:
            descriptor = os.open(name, _NEW_FILE, 0o644, dir_fd=folder)
            undo.callback((root / change.path.lstrip("/")).with_name(name).unlink, missing_ok=True)
            with os.fdopen(descriptor, "wb") as file:
                file.write(change.new or b"")
                file.flush()
                os.fchmod(descriptor, 0o644)
                os.fsync(descriptor)
        except OSError as error:
            raise PsiError(f"{change.path} cannot be written: {error.strerror}") from error
    return name


def _rename(folder: int, temporary: str, name: str) -> None:
    try:
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError as error:
        raise PsiError(f"{name} cannot be put in its place: {error.strerror}") from error


def _put_back(root: Path, change: Change) -> None:
    with _open(root, change.path) as folder:
        name = PurePosixPath(change.path).name
        if change.old is not None:
            place(folder, name, change.old)
        else:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)


def _open(root: Path, path: str) -> AbstractContextManager[int]:
    return open_folder(root, *PurePosixPath(path).parent.parts[1:])
