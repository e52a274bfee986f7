"""A host with fake services, for every test of psictl."""

from collections.abc import Iterator

import pytest

from tests.fakes.broker.host import Host


@pytest.fixture
def host() -> Iterator[Host]:
    with Host() as entered:
        yield entered
