"""A fault that means one identity strikes its login and its requests, and nobody else's."""

from collections.abc import Iterator

import pytest

from tests.fakes.infisical.process import StandIn
from tests.unit.fakes_infisical.api import ADMIN, Api, simple_seed

LIST = "/api/v4/secrets$"


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with StandIn(simple_seed()) as running:
        yield running


def test_it_strikes_the_one_that_is_meant(stand_in: StandIn) -> None:
    with Api(stand_in) as api:
        stand_in.fault("status", LIST, client=ADMIN, status=503)
        assert api.get().status_code == 503


def test_it_strikes_no_other(stand_in: StandIn) -> None:
    with Api(stand_in) as api:
        stand_in.fault("status", LIST, client="another", status=503)
        assert api.get().status_code == 200


def test_it_strikes_a_login_by_its_body(stand_in: StandIn) -> None:
    with Api(stand_in) as api:
        stand_in.fault("status", "/login$", client=ADMIN, status=503)
        assert api.login().status_code == 503
        stand_in.clear_faults()
        stand_in.fault("status", "/login$", client="another", status=503)
        assert api.login().status_code == 200
