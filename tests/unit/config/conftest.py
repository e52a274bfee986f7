"""A valid configuration to spoil, and what the schema says of the result."""

from collections.abc import Callable
from pathlib import Path

import pytest

from psictl.config import Config, ConfigInvalid, LoadedConfig, load

VALID = """\
providers:
  infisical:
    api_url: https://infisical.example.com
    projects:
      shop:
        id: 5b1f0c1e-0000-4000-8000-000000000001
        environment: prod
        auth: {method: universal-auth, client_id: machine, client_secret: hunter2}
workloads:
  web:
    secrets: [{project: shop, path: /web}]
"""

Check = Callable[[str], list[str]]
Load = Callable[[str], LoadedConfig]
Read = Callable[[str], Config]


@pytest.fixture
def valid() -> str:
    return VALID


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    def run(text: str) -> LoadedConfig:
        path = tmp_path / "config.yaml"
        path.write_text(text)
        path.chmod(0o600)
        return load(path)

    return run


@pytest.fixture
def read(load_text: Load) -> Read:
    """Return the checked configuration of a text."""
    return lambda text: load_text(text).config


@pytest.fixture
def errors(load_text: Load, tmp_path: Path) -> Check:
    """Return the errors of a text as ``LINE: path: cause; remedy``; none for a valid one."""

    def run(text: str) -> list[str]:
        try:
            load_text(text)
        except ConfigInvalid as invalid:
            return [line.removeprefix(f"{tmp_path}/config.yaml:") for line in invalid.errors]
        return []

    return run


@pytest.fixture
def notices(load_text: Load, tmp_path: Path) -> Check:
    """Return the notices of a valid text as ``LINE: path: text``."""

    def run(text: str) -> list[str]:
        return [line.removeprefix(f"{tmp_path}/config.yaml:") for line in load_text(text).notices]

    return run
