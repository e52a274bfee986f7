"""One obedient pair for the tests that change nothing, and fresh ones for the others."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fakes.broker_stub.acts import obedient
from tests.unit.frontend.rig import Rig, running

Start = Callable[..., Rig]


@pytest.fixture(scope="module")
def shared_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Run a frontend with production limits for all tests of a module."""
    with running(tmp_path_factory.mktemp("f")) as pair:
        yield pair


@pytest.fixture
def rig(shared_pair: Rig) -> Rig:
    """Return the module's pair, its broker obedient."""
    shared_pair.stub.script = obedient
    return shared_pair


@pytest.fixture
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start a pair with limits given as keywords."""
    with ExitStack() as stack:

        def starting(**limits: float) -> Rig:
            root: Path = tmp_path_factory.mktemp("f")
            return stack.enter_context(running(root, limits))

        yield starting
