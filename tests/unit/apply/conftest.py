"""A root, and a configuration file to change."""

from collections.abc import Callable
from pathlib import Path

import pytest

from psictl.layout import Layout

VALID = """\
providers:
  infisical:
    projects:
      shop:
        id: shop-id
        environment: prod
        auth: {method: universal-auth, client_id: machine, client_secret: hunter2}
workloads:
  web:
    secrets: [{project: shop, path: /web}]
"""

Write = Callable[..., Path]
"""Takes the text, by default VALID."""


@pytest.fixture
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return Layout(tmp_path_factory.mktemp("r"))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes the configuration file."""

    def run(text: str = VALID) -> Path:
        path = tmp_path / "config.yaml"
        path.write_text(text)
        path.chmod(0o600)
        return path

    return run
