"""A host with fake services, for every test of psictl."""

from collections.abc import Iterator

import pytest

from psi.shared.limits import Limits
from psictl.client import BrokerClient
from tests.fakes.broker.host import Host


@pytest.fixture
def host() -> Iterator[Host]:
    with Host() as entered:
        yield entered


@pytest.fixture
def client(host: Host) -> Iterator[BrokerClient]:
    with BrokerClient(host.layout, Limits(connect_retry_seconds=0.001)) as entered:
        yield entered
