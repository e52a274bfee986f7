"""Files that are either whole or absent, whatever happens in between.

Everything goes through a directory descriptor: O_EXCL and O_NOFOLLOW, fsync of the file, one
link or rename, fsync of the folder. All of it blocks, so callers run it on a thread.
"""

import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_FILE_MODE = 0o600
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _temporary(directory: int, name: str, content: bytes) -> Iterator[str]:
    """Write and sync a hidden file beside the target; it is gone afterwards, moved or not."""
    hidden = f".{name.removeprefix('.')}.{secrets.token_hex(4)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(hidden, flags, _FILE_MODE, dir_fd=directory)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield hidden
    finally:
        with suppress(FileNotFoundError):
            os.unlink(hidden, dir_fd=directory)


def create_file(folder: Path, name: str, content: bytes) -> None:
    """Create a file with mode 0600; raises FileExistsError where the name is taken, or OSError."""
    with _opened(folder) as directory, _temporary(directory, name, content) as hidden:
        os.link(hidden, name, src_dir_fd=directory, dst_dir_fd=directory)
        os.fsync(directory)


def replace_file(folder: Path, name: str, content: bytes) -> None:
    """Create or replace a file with mode 0600; raises OSError and then leaves the old one."""
    with _opened(folder) as directory, _temporary(directory, name, content) as hidden:
        os.replace(hidden, name, src_dir_fd=directory, dst_dir_fd=directory)
        os.fsync(directory)


def remove_file(folder: Path, name: str) -> bool:
    """Remove a file, on disk when it returns; tell whether there was one. Raises OSError."""
    with _opened(folder) as directory:
        try:
            os.unlink(name, dir_fd=directory)
        except FileNotFoundError:
            return False
        os.fsync(directory)
        return True


def read_file(folder: Path, name: str, maximum: int) -> bytes:
    """Return at most so many bytes of a regular file. Raises OSError, for a link or device too."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(folder / name, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("it is not a regular file")
        return file.read(maximum)


def sweep_temporaries(folder: Path) -> None:
    """Remove what a kill between two steps left behind, and nothing else. Raises OSError."""
    for path in folder.glob(".*.tmp"):
        if _TEMPORARY.fullmatch(path.name) and not path.is_dir():
            path.unlink(missing_ok=True)
