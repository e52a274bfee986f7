"""A fresh software TPM per test; its folder is short, since sockets lie in it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.devices.swtpm import SwTpm
from tests.fakes.devices.tpm_proxy import TpmProxy


@pytest.fixture
def tpm() -> Iterator[SwTpm]:
    with tempfile.TemporaryDirectory(prefix="tpm-") as folder, SwTpm(Path(folder)) as running:
        yield running


@pytest.fixture
def other_tpm() -> Iterator[SwTpm]:
    with tempfile.TemporaryDirectory(prefix="tpm-") as folder, SwTpm(Path(folder)) as running:
        yield running


@pytest.fixture
def proxy(tpm: SwTpm) -> Iterator[TpmProxy]:
    with TpmProxy(tpm) as running:
        yield running
