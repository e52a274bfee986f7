"""Files written through a folder's descriptor: a path is resolved once, then never again.

Whole or not at all: a new name is created exclusively, filled, synced, and only then renamed to
where it is looked for (r29).
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from psi.shared.errors import PsiError

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
MAX_FILE_BYTES: Final = 16 * 1024 * 1024
"""Of a file that apply itself wrote: projections have a few hundred KiB."""
_PRIVATE: Final = 0o700
_PUBLIC: Final = 0o755


@contextlib.contextmanager
def open_private(path: Path) -> Iterator[int]:
    """Give the descriptor of a folder that is ours alone (0700), made where it is missing.

    Raises PsiError where somebody else owns it or may look into it.
    """
    with _open_own(
        path, _PRIVATE, "is open to others, and holds credentials; chmod 0700 it"
    ) as own:
        yield own


@contextlib.contextmanager
def open_public(path: Path) -> Iterator[int]:
    """Give the descriptor of a folder that we alone may change (0755), made where it is missing.

    Raises PsiError where somebody else owns it or may write to it.
    """
    with _open_own(path, _PUBLIC, "may be changed by others; chmod 0755 it") as own:
        yield own


@contextlib.contextmanager
def _open_own(path: Path, mode: int, fault: str) -> Iterator[int]:
    make_folder(path, mode)
    descriptor = os.open(path, _FOLDER)
    try:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid():
            raise PsiError(f"{path} belongs to uid {status.st_uid}; remove it or give it to root")
        # Who may read need not be fewer than ``mode`` says, who may write must not be more.
        if stat.S_IMODE(status.st_mode) & ~mode & 0o077:
            raise PsiError(f"{path} {fault}")
        yield descriptor
    finally:
        os.close(descriptor)


def make_folder(path: Path, mode: int) -> None:
    """Make a folder, and the ones above it (0755), where they are missing; each is on disk."""
    if not path.parent.is_dir():
        make_folder(path.parent, _PUBLIC)
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=mode)
        descriptor = os.open(path.parent, _FOLDER & ~os.O_NOFOLLOW)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def open_folder(name: str, parent: int) -> Iterator[int]:
    """Give the descriptor of a folder inside an open one; a link there is refused."""
    descriptor = os.open(name, _FOLDER, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def write_file(name: str, data: bytes, folder: int, mode: int = 0o600) -> None:
    """Create a file that must not exist yet, and wait until it is on disk."""
    descriptor = os.open(name, _NEW_FILE, 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)


def replace_file(name: str, data: bytes, folder: int) -> None:
    """Create or replace a file of mode 0600; on a failure the old one is whole."""
    temporary = f".{name}.{secrets.token_hex(8)}"
    try:
        write_file(temporary, data, folder)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    os.fsync(folder)


def read_file(name: str, folder: int) -> bytes:
    """Return a small file's bytes; a link in its place is refused."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(MAX_FILE_BYTES)


def read_files(name: str, parent: int) -> dict[str, bytes]:
    """Return the files of a folder that holds files alone."""
    with open_folder(name, parent) as folder:
        return {entry: read_file(entry, folder) for entry in names(folder)}


def point(link: str, target: str, folder: int) -> None:
    """Make a link, or lead it elsewhere by one rename, and wait until it is on disk."""
    new = f".{link}-new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new, dir_fd=folder)
    os.symlink(target, new, dir_fd=folder)
    os.rename(new, link, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)


def target_of(link: str, folder: int) -> str | None:
    """Return where a link leads, or None for what is no link or is not there."""
    try:
        return os.readlink(link, dir_fd=folder)
    except OSError:
        return None


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
