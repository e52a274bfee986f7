"""A stand-in and a logged-in client; a test or class overrides `seed` for another start."""

from collections.abc import Iterator

import pytest

from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import Seed
from tests.unit.fakes_infisical.api import Api, simple_seed
from tests.unit.fakes_infisical.certificate_api import CertificateApi, certificate_manager


@pytest.fixture
def seed() -> Seed:
    return simple_seed()


@pytest.fixture
def stand_in(seed: Seed) -> Iterator[StandIn]:
    with StandIn(seed) as running:
        yield running


@pytest.fixture
def api(stand_in: StandIn) -> Iterator[Api]:
    with Api(stand_in) as client:
        yield client


@pytest.fixture
def certs() -> Iterator[CertificateApi]:
    with certificate_manager() as api:
        yield api
