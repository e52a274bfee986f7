"""Read back the drop-in that an earlier run wrote: which secrets it names, and what it was for."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from psi.shared.errors import ConfigError
from psictl.podman.interface import is_possible_name
from psictl.quadlet.dropin import HEADER
from psictl.quadlet.revision import revision_in
from psictl.quadlet.secret_line import secret_name
from psictl.quadlet.unit_file import parse_unit_file

MAX_FILE_BYTES: Final = 4 * 1024 * 1024
"""10,000 secrets, the most that a configuration lists, of 400 bytes a line."""


@dataclass(frozen=True)
class WrittenDropin:
    """What ``50-secrets.conf`` says."""

    names: list[str]
    """Podman's names of the secrets, in the order of the file."""
    revision: str
    """Of the configuration that asked for it; empty where none is named."""


def read_dropin(path: Path, workload: str) -> WrittenDropin:
    """Return what a workload's drop-in says.

    Raises ConfigError where it is missing, not psictl's, or says more than psictl writes.
    """
    text = _read(path)
    if not text.startswith(HEADER):
        raise ConfigError(f"{path} was not written by psictl")
    names: list[str] = []
    for entry in parse_unit_file(text, str(path)).entries:
        name = entry.value.partition(",")[0]
        secret = (entry.section, entry.key) == ("Container", "Secret")
        if not secret or not name.startswith(secret_name(workload, "")):
            raise ConfigError(f"{path}:{entry.line} is no line that psictl writes")
        if not is_possible_name(name):
            raise ConfigError(f"{path}:{entry.line} names no secret")
        names.append(name)
    return WrittenDropin(names, revision_in(text))


def _read(path: Path) -> str:
    try:
        # O_NONBLOCK: a FIFO in the file's place must not hold a boot for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ConfigError(f"{path} is not there") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ConfigError(f"{path} is not a regular file")
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(f"{path} is over {MAX_FILE_BYTES} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no text") from error
