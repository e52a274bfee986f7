"""``/etc/psi/config.yaml``: its schema, its checks, and what they make of it.

``psictl apply`` alone parses it; every other part of the suite reads a projection.
"""

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from psi.shared.errors import ConfigError
from psi.shared.limits import MIB
from psictl.config.document import compose
from psictl.config.model import Config
from psictl.config.problems import ConfigInvalid, Problems
from psictl.config.schema import ROOT_HINTS, read_config
from psictl.config.value import Value, attempt, section

__all__ = ["Config", "ConfigInvalid", "LoadedConfig", "load", "read_source"]

MAX_CONFIG_BYTES = 1 * MIB
"""A host with 1,000 workloads has some 300 KiB."""


@dataclass(frozen=True)
class LoadedConfig:
    """A configuration without errors, and the file that it came from."""

    config: Config
    sha256: str
    """Of the file's bytes: a generation carries it."""
    notices: tuple[str, ...]
    """Lines to show: what is not served yet, and what is unwise."""


def load(path: Path) -> LoadedConfig:
    """Read and check a configuration file.

    Raises ConfigInvalid with all of its errors at once, ConfigError where it cannot be read.
    """
    data = read_source(path)
    problems = Problems(str(path))
    config = _parse(data, problems)
    problems.raise_errors()
    return LoadedConfig(config, hashlib.sha256(data).hexdigest(), problems.notices())


def _parse(data: bytes, problems: Problems) -> Config:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.error(line, "", "a byte that is not UTF-8; save the file as UTF-8")
        return Config()
    root = compose(text, problems)
    if root is None:
        if not problems.has_errors:
            problems.error(0, "", "holds no configuration; start with providers: and workloads:")
        return Config()
    return attempt(Value(root, "", problems), section(read_config, ROOT_HINTS), Config())


def read_source(path: Path) -> bytes:
    """Return the file's bytes; raises ConfigError naming why it cannot be had."""
    try:
        # O_NONBLOCK: a FIFO in the file's place must not hold psictl for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; name one by --config") from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ConfigError(f"{path} is no regular file; name one by --config")
        data = file.read(MAX_CONFIG_BYTES + 1)
    if len(data) > MAX_CONFIG_BYTES:
        raise ConfigError(f"{path} is larger than {MAX_CONFIG_BYTES} bytes; is it the right file?")
    return data
