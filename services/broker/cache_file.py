"""``cache.enc`` on the disk: bytes in, bytes out, and the files that could not be opened.

All of it blocks and runs on a thread. Nothing here is ever deleted but a file whose entries
have been merged into one that was written since (r8).
"""

import errno
import os
import stat
import time
from pathlib import Path

from psi.broker.cache_payload import MAX_FILE_BYTES
from psi.broker.envelope import DamagedEnvelope
from psi.shared.atomic_file import remove_file, replace_file

NAME = "cache.enc"
_KEPT = f"{NAME}.unreadable-"
_DISCARDED = f"{NAME}.discarded-"
_MAX_KEPT_SHOWN = 16
_NO_FILE = "it is a link, no regular file, or too large"


def read_whole(path: Path, limit: int) -> bytes | None:
    """Return a regular file's bytes, None where there is none; no link is followed.

    Raises OSError, or DamagedEnvelope for what is no file of at most ``limit`` bytes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO}:  # as O_NOFOLLOW meets a link, open a socket
            raise DamagedEnvelope(_NO_FILE) from None
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            raise DamagedEnvelope(_NO_FILE)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


class CacheFile:
    """The file and its folder; every method raises OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str = NAME) -> bytes | None:
        """Return the file's bytes, None where there is none.

        Raises DamagedEnvelope for a link, a folder, or a file too large to be one of ours.
        """
        return read_whole(self._folder / name, MAX_FILE_BYTES)

    def write(self, blob: bytes) -> None:
        """Replace the file; a kill or a full disk at any step leaves the old one whole."""
        if len(blob) > MAX_FILE_BYTES:
            raise OSError(errno.EFBIG, "the cache is larger than what would be read again")
        replace_file(self._folder, NAME, blob)

    def set_aside(self) -> str:
        """Rename a file that cannot be opened, so that it is never overwritten."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        kept = f"{_KEPT}{stamp}-{os.urandom(2).hex()}"
        self._rename(NAME, kept)
        return kept

    def discard_kept(self) -> None:
        """Rename the files set aside, so that no start takes anything from them any more."""
        for path in self._folder.glob(f"{_KEPT}*"):
            self._rename(path.name, _DISCARDED + path.name.removeprefix(_KEPT))

    def _rename(self, old: str, new: str) -> None:
        directory = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.rename(old, new, src_dir_fd=directory, dst_dir_fd=directory)
            os.fsync(directory)
        finally:
            os.close(directory)

    def kept(self) -> list[str]:
        """Return the names of files set aside, the newest first."""
        names = (path.name for path in self._folder.glob(f"{_KEPT}*"))
        return sorted(names, reverse=True)[:_MAX_KEPT_SHOWN]

    def forget(self, name: str) -> None:
        """Remove a file set aside whose entries are in the current one."""
        remove_file(self._folder, name)

    def size(self) -> int:
        """Return the file's size in bytes, 0 where there is none."""
        try:
            return (self._folder / NAME).stat().st_size
        except FileNotFoundError:
            return 0
