"""Write one secret to a file as root should (r29): by its folder's descriptor, whole or not at all.

No link is followed in the last two parts of the path; what is above them is the caller's word.
"""

import base64
import binascii
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from psi.shared.errors import ConfigError, PsiError
from psi.shared.secret import SecretBytes

_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE: Final = re.compile(r"0?[0-7]{3}")


def parse_mode(text: str) -> int:
    """Return a file mode written in octal, ``0600``; raises ConfigError for set-id and sticky."""
    if _MODE.fullmatch(text) is None:
        raise ConfigError("--mode takes three octal digits, such as 0600 or 640")
    return int(text, 8)


def decode_base64(value: SecretBytes) -> SecretBytes:
    """Return the bytes that a value stands for; line breaks and spaces in it are passed over.

    Raises PsiError for any other character outside the alphabet, wrong padding or no bytes.
    """
    packed = b"".join(value.reveal().split())
    fault = ""
    try:
        decoded = base64.b64decode(packed, validate=True)
    except binascii.Error as error:
        decoded, fault = b"", f" ({error})"
    if not decoded:
        raise PsiError(f"the value is not base64{fault}; leave --base64 out to write it as it is")
    return SecretBytes(decoded)


def write_secret_file(path: Path, content: SecretBytes, mode: int) -> None:
    """Put the content at ``path`` with the mode, replacing a regular file by one rename.

    Raises ConfigError where a link, a folder or a device is in the way, PsiError where the
    system refuses; then the old file is whole and no temporary one stays.
    """
    if path.name in {"", ".."}:
        raise ConfigError(f"{path} is a folder: name the file to write")
    with _system_refusals(path), _folder(path.parent) as folder:
        _refuse_what_is_no_file(folder, path)
        temporary = f".psictl.{secrets.token_hex(8)}"
        try:
            _write_new(folder, temporary, content, mode)
            os.rename(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
            raise
        os.fsync(folder)


@contextmanager
def _folder(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, _FOLDER_FLAGS)
    except NotADirectoryError as error:
        # O_NOFOLLOW with O_DIRECTORY gives ENOTDIR for a link (open(2)).
        raise ConfigError(f"{path} is a link or no folder: name the real folder") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _refuse_what_is_no_file(folder: int, path: Path) -> None:
    try:
        found = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        kind = "a link" if stat.S_ISLNK(found.st_mode) else "no regular file"
        raise ConfigError(f"{path} is {kind}: remove it, or name the file itself")


def _write_new(folder: int, name: str, content: SecretBytes, mode: int) -> None:
    descriptor = os.open(name, _NEW_FILE_FLAGS, 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.reveal())
        file.flush()
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)


@contextmanager
def _system_refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PsiError(f"{path} cannot be written: {error.strerror}") from error
