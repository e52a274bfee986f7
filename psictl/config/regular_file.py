"""Reads a file that a person named: regular, and no larger than it can sensibly be."""

import os
import stat

from psictl.config.problems import Unfit


def read_regular(path: str, cap: int) -> tuple[bytes, int]:
    """Return a file's bytes and its permission bits.

    Raises Unfit, naming the path, for what cannot be read, is no regular file, or has more than
    ``cap`` bytes.
    """
    try:
        # O_NONBLOCK: a FIFO in the file's place must not hold psictl for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Unfit(f"cannot read {path}: {error.strerror}; correct the path or the file") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Unfit(f"{path} is no regular file; name one")
        data = _read(descriptor, cap + 1)
    finally:
        os.close(descriptor)
    if len(data) > cap:
        raise Unfit(f"{path} is larger than {cap} bytes; is it the right file?")
    return data, stat.S_IMODE(status.st_mode)


def _read(descriptor: int, limit: int) -> bytes:
    data = b""
    while len(data) < limit and (chunk := os.read(descriptor, limit - len(data))):
        data += chunk
    return data
