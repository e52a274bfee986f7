"""What is repeated against a server, how often, and what is not."""

import time
from typing import Any

import msgspec
import pytest

from psi.broker.infisical.outcome import Kind
from psi.broker.infisical.retry import ONE_TRY
from tests.fakes.infisical.process import StandIn
from tests.unit.broker_infisical.setting import (
    CLIENT_ID,
    LOGIN,
    PATIENT,
    SECRETS,
    Setting,
    config,
    failure_of,
    get_key,
    run,
)

PASSING: list[tuple[str, dict[str, Any]]] = [
    ("reset", {}),
    ("cut_body", {}),
    ("status", {"status": 502, "body": "<h1>Bad Gateway</h1>"}),
    ("status", {"status": 503}),
    ("status", {"status": 504}),
    ("status", {"status": 429, "message": "slow down"}),
    ("status", {"status": 503, "headers": {"Retry-After": "0"}}),
]
LASTING: list[tuple[str, dict[str, Any]]] = [
    ("status", {"status": 400}),
    ("status", {"status": 403}),
    ("status", {"status": 404}),
    ("status", {"status": 422, "message": [{"path": ["x"], "message": "bad"}]}),
    ("status", {"status": 501}),
    ("html_200", {}),
    ("redirect", {"location": "/other"}),
]


@pytest.mark.parametrize(("fault", "fields"), PASSING)
def test_what_passes_is_served_by_the_third_try(
    stand_in: StandIn, setting: Setting, fault: str, fields: dict[str, Any]
) -> None:
    stand_in.fault(fault, SECRETS, times=2, **fields)

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            assert await get_key(client) == b"value"
            assert client.health.error == ""

    run(scenario())
    assert (stand_in.count(SECRETS), stand_in.count(LOGIN)) == (3, 1)


@pytest.mark.parametrize(("fault", "fields"), PASSING)
def test_what_does_not_pass_is_given_up_after_the_third_try(
    stand_in: StandIn, setting: Setting, fault: str, fields: dict[str, Any]
) -> None:
    stand_in.fault(fault, SECRETS, **fields)

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            error = await failure_of(get_key(client))
            assert error.kind in {Kind.TRANSPORT, Kind.LIMITED}

    run(scenario())
    assert stand_in.count(SECRETS) == 3


@pytest.mark.parametrize(("fault", "fields"), LASTING)
def test_what_lasts_is_asked_once(
    stand_in: StandIn, setting: Setting, fault: str, fields: dict[str, Any]
) -> None:
    stand_in.fault(fault, SECRETS, **fields)

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            await failure_of(get_key(client))

    run(scenario())
    assert stand_in.count(SECRETS) == 1


@pytest.mark.parametrize(("fault", "fields"), [*PASSING, ("status", {"status": 500})])
def test_a_login_is_never_repeated(
    stand_in: StandIn, setting: Setting, fault: str, fields: dict[str, Any]
) -> None:
    stand_in.fault(fault, LOGIN, **fields)

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            await failure_of(get_key(client))

    run(scenario())
    assert stand_in.count(LOGIN) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_time_that_the_server_names_is_waited_for(
    stand_in: StandIn, setting: Setting, status: int
) -> None:
    stand_in.fault("status", SECRETS, times=1, status=status, headers={"Retry-After": "1"})

    async def scenario() -> float:
        async with setting.client(config(stand_in.url)) as client:
            await client.test_logins(retry=False)
            began = time.monotonic()
            assert await get_key(client) == b"value"
            return time.monotonic() - began

    assert run(scenario()) >= 1
    assert stand_in.count(SECRETS) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_a_time_beyond_the_patience_is_told_and_not_waited_for(
    stand_in: StandIn, setting: Setting, status: int
) -> None:
    stand_in.fault("status", SECRETS, status=status, headers={"Retry-After": "9"})

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            error = await failure_of(get_key(client))
            assert error.retry_after == 9

    run(scenario())
    assert stand_in.count(SECRETS) == 1


def test_an_exchange_that_took_all_patience_is_not_repeated(
    stand_in: StandIn, setting: Setting
) -> None:
    setting.limits = msgspec.structs.replace(
        PATIENT, upstream_seconds=0.4, retry_patience_seconds=0.3
    )
    stand_in.fault("hang_before_headers", SECRETS)

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            assert "within 0.4 s" in str(await failure_of(get_key(client)))

    run(scenario())
    assert stand_in.count(SECRETS) == 1


def test_a_probe_asks_once(stand_in: StandIn, setting: Setting) -> None:
    stand_in.fault("status", SECRETS, status=503)

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            await failure_of(client.reader(ONE_TRY).get_secret("myproject", None, "/app", "KEY"))

    run(scenario())
    assert stand_in.count(SECRETS) == 1


def test_a_repetition_needs_no_other_login(stand_in: StandIn, setting: Setting) -> None:
    stand_in.fault("status", SECRETS, times=1, status=502, body="x")

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            await get_key(client)

    run(scenario())
    assert [one["client_id"] for one in stand_in.requests(SECRETS)] == [CLIENT_ID] * 2
    assert stand_in.count(LOGIN) == 1
