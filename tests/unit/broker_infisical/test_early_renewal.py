"""From two thirds of its use on a token is replaced while it still serves (Infisical CLI)."""

import asyncio
from collections.abc import Callable

from psi.broker.infisical.client import InfisicalClient
from tests.fakes.infisical.process import StandIn
from tests.unit.broker_infisical.setting import (
    CLIENT_ID,
    LOGIN,
    RENEW,
    REVOKE,
    SECRETS,
    Setting,
    config,
    get_key,
    run,
)

WAIT_SECONDS = 20


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():  # noqa: ASYNC110  # what is waited for is another process's
            await asyncio.sleep(0.001)


async def replaced(client: InfisicalClient) -> None:
    """Ask for the key, with the old token at first, until another takes its place."""
    before = client.identities()[0].expires_at
    async with asyncio.timeout(WAIT_SECONDS):
        while client.identities()[0].expires_at == before:
            assert await get_key(client) == b"value"


def test_at_two_thirds_it_is_renewed_and_nobody_waits(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        stand_in.fault("hold", RENEW, times=1)
        async with setting.client(config(stand_in.url, token_ttl=300)) as client:
            await get_key(client)
            before = client.identities()[0].expires_at
            setting.clock.advance(201)
            values = await asyncio.gather(*(get_key(client) for _ in range(10)))
            assert values == [b"value"] * 10, "while the renewal is held"
            await asyncio.to_thread(stand_in.wait_held, 1)
            await asyncio.to_thread(stand_in.release)
            await until(lambda: client.identities()[0].expires_at != before)
            assert await get_key(client) == b"value"

    run(scenario())
    counts = [stand_in.count(route) for route in (LOGIN, RENEW)]
    assert counts == [1, 1]


def test_before_two_thirds_nothing_happens(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url, token_ttl=300)) as client:
            await get_key(client)
            setting.clock.advance(199)
            await get_key(client)

    run(scenario())
    assert stand_in.count(RENEW) == 0


def test_two_thirds_of_the_jwts_own_life_where_that_is_shorter(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        stand_in.control("POST", "identity", {"client_id": CLIENT_ID, "ttl": 95})
        async with setting.client(config(stand_in.url, token_ttl=300)) as client:
            await get_key(client)
            setting.clock.advance(59)
            await get_key(client)
            assert stand_in.count(RENEW) == 0
            setting.clock.advance(2)
            await replaced(client)

    run(scenario())
    assert stand_in.count(LOGIN) == 1


def test_a_renewed_token_outlives_the_one_before_it(stand_in: StandIn, setting: Setting) -> None:
    """Renew, wait for the old token to be dropped, use the new one: nothing was revoked."""

    async def scenario() -> None:
        stand_in.control("POST", "identity", {"client_id": CLIENT_ID, "ttl": 95})
        async with setting.client(config(stand_in.url)) as client:
            await get_key(client)
            setting.clock.advance(70)
            stand_in.control("POST", "clock", {"offset": 70})
            await replaced(client)
            setting.clock.advance(30)
            stand_in.control("POST", "clock", {"offset": 100})
            assert await get_key(client) == b"value", "the first token has expired by now"
            assert stand_in.count(REVOKE) == 0

    run(scenario())
    assert stand_in.count(LOGIN) == 1
    assert {one["status"] for one in stand_in.requests(SECRETS)} == {200}


def test_a_renewal_that_fails_ahead_of_time_is_tried_again_later(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        stand_in.fault("status", RENEW, status=503, times=1)
        async with setting.client(config(stand_in.url, token_ttl=300)) as client:
            await get_key(client)
            setting.clock.advance(201)
            await get_key(client)
            await until(lambda: [one["status"] for one in stand_in.requests(RENEW)] == [503])
            for _ in range(5):
                assert await get_key(client) == b"value"
            assert stand_in.count(RENEW) == 1
            setting.clock.advance(31)
            await replaced(client)

    run(scenario())
    assert (stand_in.count(LOGIN), stand_in.count(RENEW)) == (1, 2)


def test_a_renewal_that_is_refused_ahead_of_time_becomes_a_login(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        stand_in.fault("status", RENEW, status=401)
        async with setting.client(config(stand_in.url, token_ttl=300)) as client:
            await get_key(client)
            setting.clock.advance(201)
            await replaced(client)
            assert await get_key(client) == b"value"

    run(scenario())
    assert stand_in.count(LOGIN) == 2


def test_before_the_maximum_a_family_is_replaced_ahead_of_time(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        lives = {"client_id": CLIENT_ID, "ttl": 100, "max_ttl": 100}
        stand_in.control("POST", "identity", lives)
        async with setting.client(config(stand_in.url)) as client:
            await get_key(client)
            setting.clock.advance(70)
            stand_in.control("POST", "clock", {"offset": 70})
            await replaced(client)
            setting.clock.advance(40)
            stand_in.control("POST", "clock", {"offset": 110})
            assert await get_key(client) == b"value"

    run(scenario())
    assert (stand_in.count(LOGIN), stand_in.count(RENEW)) == (2, 0)


def test_infisicals_own_defaults_are_renewed_and_not_logged_in_anew(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url, token_ttl=300)) as client:
            await get_key(client)
            for _ in range(4):
                setting.clock.advance(250)
                await replaced(client)

    run(scenario())
    assert (stand_in.count(LOGIN), stand_in.count(RENEW)) == (1, 4)
