"""Put a file in its place as root should (r29): by a folder's descriptor, whole or not at all.

No symbolic link below the root is followed, a new file is made with O_EXCL and moved over the
old one by rename, and content that is there already is not written again.
"""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from psi.shared.errors import ConfigError, PsiError

_MAX_FILE_BYTES: Final = 1024 * 1024
"""PSI's own files are a few KiB; a larger one in its place is not PSI's."""
_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def open_folder(root: Path, *names: str) -> Iterator[int]:
    """Give the descriptor of the folder ``root/names…``, made 0755 where it is missing.

    The root itself may be reached by links; below it none is followed. Raises ConfigError for
    a link or a file in the way, PsiError where the system refuses.
    """
    descriptor = _open(root, os.fspath(root), None)
    walked = root
    try:
        for name in names:
            walked /= name
            inner = _descend(walked, name, descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def _descend(walked: Path, name: str, parent: int) -> int:
    with suppress(FileExistsError), _named(walked):
        os.mkdir(name, 0o755, dir_fd=parent)
    return _open(walked, name, parent)


def _open(walked: Path, name: str, parent: int | None) -> int:
    flags = _FOLDER_FLAGS if parent is not None else _FOLDER_FLAGS & ~os.O_NOFOLLOW
    try:
        with _named(walked):
            return os.open(name, flags, dir_fd=parent)
    except FileNotFoundError as error:
        raise PsiError(f"{walked} is not there: make it, or choose another --root") from error
    except NotADirectoryError as error:
        raise ConfigError(
            f"{walked} is a link or a file where PSI needs a folder: move it away"
        ) from error


def read(folder: int, name: str) -> bytes | None:
    """Return a file's content, or None where there is none.

    Raises ConfigError for what is no regular file of at most 1 MiB.
    """
    try:
        descriptor = os.open(
            name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _in_the_way(name, error.strerror) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _in_the_way(name, "not a regular file")
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(_MAX_FILE_BYTES + 1)
    if len(content) > _MAX_FILE_BYTES:
        raise _in_the_way(name, "over 1 MiB")
    return content


def place(folder: int, name: str, content: bytes, mode: int = 0o644) -> bool:
    """Write a file unless it holds this content already; return whether it was written.

    On a failure the old file is whole and no temporary one stays. Raises PsiError.
    """
    if read(folder, name) == content:
        return False
    temporary = f".{name}.{secrets.token_hex(8)}"
    with _named(Path(name)):
        try:
            _write_new(folder, temporary, content, mode)
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
            raise
        os.fsync(folder)
    return True


def remove(folder: int, name: str) -> bool:
    """Remove a file; return whether there was one."""
    with _named(Path(name)):
        try:
            os.unlink(name, dir_fd=folder)
        except FileNotFoundError:
            return False
        os.fsync(folder)
    return True


def _write_new(folder: int, name: str, content: bytes, mode: int) -> None:
    descriptor = os.open(name, _NEW_FILE_FLAGS, 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn the system's refusal into an error with the path; what callers handle passes."""
    try:
        yield
    except (FileExistsError, FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise PsiError(f"{path} cannot be written: {error.strerror}; run psictl as root") from error


def _in_the_way(name: str, why: str | None) -> ConfigError:
    return ConfigError(f"{name} is in the way ({why}): move it away")
