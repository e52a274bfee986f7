"""What every test of the shared code may use."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from psi.shared.peer import DEVELOPMENT_UID
from tests.unit.shared.loops import LOOPS, Run, runner


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a folder whose sockets have short paths: they end at 108 bytes."""
    made = Path(tempfile.mkdtemp(prefix="psi-", dir="/tmp"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def path(folder: Path) -> Path:
    """Return where a server of the test listens."""
    return folder / "sock"


@pytest.fixture(params=list(LOOPS))
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Run a scenario, on asyncio's own loop and on the one that services use."""
    with runner(request.param) as made:
        yield made


@pytest.fixture
def own_uid_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test itself connect, as below psictl dev."""
    monkeypatch.setenv(DEVELOPMENT_UID, str(os.getuid()))
