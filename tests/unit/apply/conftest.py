"""A root, and a configuration file to change."""

from collections.abc import Callable
from pathlib import Path

import pytest

from psictl.apply import ApplyResult, apply
from psictl.layout import Layout
from tests.fakes.systemd.manager import FakeSystemd

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
SEALED = VALID + "cache: {backend: tpm}\n"

Write = Callable[..., Path]
"""Takes the text, by default VALID."""
Apply = Callable[..., ApplyResult]
"""Applies a text, by default VALID, on a host with a systemd."""


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


@pytest.fixture
def systemd(layout: Layout) -> FakeSystemd:
    return FakeSystemd(layout.root)


@pytest.fixture
def on_host(layout: Layout, write: Write, systemd: FakeSystemd) -> Apply:
    def run(text: str = VALID) -> ApplyResult:
        return apply(write(text), layout, manager=systemd)

    return run
