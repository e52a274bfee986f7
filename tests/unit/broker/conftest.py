"""One running chain for the tests of a module that ask its control socket."""

from collections.abc import Iterator

import pytest

from tests.unit.broker.chain import Chain, running
from tests.unit.broker.control_scene import WORKLOADS, control_seed


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """Run a chain whose Infisical has a folder for each case."""
    root = tmp_path_factory.mktemp("k")
    with running(root, control_seed(), workloads=WORKLOADS) as chain:
        yield chain
