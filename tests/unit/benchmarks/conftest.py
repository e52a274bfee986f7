"""A short folder for sockets, and the load generator compiled once."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.loadgen import compile_loadgen


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder whose name leaves room for a socket's (108 bytes, unix(7))."""
    with tempfile.TemporaryDirectory(prefix="psi-bench-test-") as name:
        yield Path(name)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the load generator."""
    return compile_loadgen(tmp_path_factory.mktemp("loadgen"))
