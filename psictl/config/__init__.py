"""``/etc/psi/config.yaml``: its schema, its checks, and what they make of it.

``psictl apply`` alone parses it; every other part of the suite reads a projection.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from psi.shared.limits import MIB
from psictl.config.document import compose
from psictl.config.model import Config
from psictl.config.problems import ConfigInvalid, Mention, Problems
from psictl.config.regular_file import read_regular
from psictl.config.schema import ROOT_HINTS, read_config
from psictl.config.value import Value, attempt, section

__all__ = ["Config", "ConfigInvalid", "LoadedConfig", "load"]

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
    file: str
    """Its path, as errors name it."""
    mentions: tuple[Mention, ...] = ()
    """What the services' units have to be given from outside of the file."""


def load(path: Path) -> LoadedConfig:
    """Read and check a configuration file.

    Raises ConfigInvalid with all of its errors at once, ConfigError where it cannot be read.
    """
    data, mode = read_regular(str(path), MAX_CONFIG_BYTES)
    problems = Problems(str(path))
    config = _parse(data, problems)
    problems.raise_errors()
    if mode & 0o077:
        problems.notice(0, "", f"mode {mode:04o}: others may read or change it; chmod 0600 it")
    sha256 = hashlib.sha256(data).hexdigest()
    mentions = tuple(problems.mentions)
    return LoadedConfig(config, sha256, problems.notices(), problems.file, mentions)


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
