"""A short folder: a Unix socket's path ends at 108 bytes."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="psi-", dir="/tmp"))
    yield made
    shutil.rmtree(made)
