"""Files written through a folder's descriptor: a path is resolved once, then never again.

Whole or not at all: a new name is created exclusively, filled, synced, and only then renamed to
where it is looked for (r29).
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from psi.shared.errors import PsiError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
MAX_FILE_BYTES = 16 * 1024 * 1024
"""Of a file that apply itself wrote: projections have a few hundred KiB."""


@contextlib.contextmanager
def open_private(path: Path) -> Iterator[int]:
    """Give the descriptor of a folder that is ours alone (0700), made where it is missing.

    Raises PsiError where somebody else owns it or may write to it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    descriptor = os.open(path, _FOLDER)
    try:
        _check_private(descriptor, path)
        yield descriptor
    finally:
        os.close(descriptor)


def _check_private(descriptor: int, path: Path) -> None:
    status = os.fstat(descriptor)
    if status.st_uid != os.geteuid():
        raise PsiError(f"{path} belongs to uid {status.st_uid}; remove it or give it to root")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise PsiError(f"{path} is open to others, and holds credentials; chmod 0700 it")


@contextlib.contextmanager
def open_folder(name: str, parent: int) -> Iterator[int]:
    """Give the descriptor of a folder inside an open one; a link there is refused."""
    descriptor = os.open(name, _FOLDER, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def write_file(name: str, data: bytes, folder: int) -> None:
    """Create a file of mode 0600 that must not exist yet, and wait until it is on disk."""
    descriptor = os.open(name, _NEW_FILE, 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def read_file(name: str, folder: int) -> bytes:
    """Return a small file's bytes; a link in its place is refused."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(MAX_FILE_BYTES)


def names(folder: int) -> list[str]:
    """Return the names in an open folder."""
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def remove_flat(name: str, parent: int) -> None:
    """Remove a folder that holds files alone."""
    with open_folder(name, parent) as folder:
        for entry in names(folder):
            os.unlink(entry, dir_fd=folder)
    os.rmdir(name, dir_fd=parent)
