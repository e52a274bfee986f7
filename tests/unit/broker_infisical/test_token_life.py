"""Tokens are shared, renewed before they are replaced, and replaced once when refused."""

import asyncio
from typing import Any

import pytest

from psi.broker.infisical.outcome import Kind
from tests.fakes.infisical.process import StandIn
from tests.unit.broker_infisical.setting import (
    CLIENT_ID,
    DAY,
    LOGIN,
    RENEW,
    REVOKE,
    Setting,
    config,
    failure_of,
    get_key,
    run,
)


def set_lives(stand_in: StandIn, *, ttl: int, max_ttl: int = 30 * DAY) -> None:
    identity = {"client_id": CLIENT_ID, "ttl": ttl, "max_ttl": max_ttl}
    stand_in.control("POST", "identity", identity)


def test_twenty_first_uses_at_once_are_one_login(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            values = await asyncio.gather(*(get_key(client) for _ in range(20)))
            assert values == [b"value"] * 20

    run(scenario())
    assert stand_in.count(LOGIN) == 1


def test_a_login_outlives_the_waiter_that_began_it(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        stand_in.fault("hold", LOGIN, times=1)
        async with setting.client(config(stand_in.url)) as client:
            first = asyncio.create_task(get_key(client))
            await asyncio.to_thread(stand_in.wait_held, 1)
            second = asyncio.create_task(get_key(client))
            first.cancel()
            await asyncio.wait({first})
            assert first.cancelled()
            await asyncio.to_thread(stand_in.release)
            assert await second == b"value"

    run(scenario())
    assert stand_in.count(LOGIN) == 1


def test_a_login_whose_waiters_are_all_gone_still_serves_the_next(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        stand_in.fault("hold", LOGIN, times=1)
        async with setting.client(config(stand_in.url)) as client:
            only = asyncio.create_task(get_key(client))
            await asyncio.to_thread(stand_in.wait_held, 1)
            only.cancel()
            await asyncio.wait({only})
            await asyncio.to_thread(stand_in.release)
            assert await get_key(client) == b"value"

    run(scenario())
    assert stand_in.count(LOGIN) == 1


def test_a_token_within_its_ttl_is_just_used(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url, token_ttl=300)) as client:
            await get_key(client)
            setting.clock.advance(199)
            await get_key(client)

    run(scenario())
    assert (stand_in.count(LOGIN), stand_in.count(RENEW)) == (1, 0)


def test_after_token_ttl_it_is_renewed_and_nothing_is_revoked(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url, token_ttl=300)) as client:
            for _ in range(4):
                assert await get_key(client) == b"value"
                setting.clock.advance(301)
            counts = [stand_in.count(route) for route in (LOGIN, RENEW, REVOKE)]
            assert counts == [1, 3, 0]

    run(scenario())


@pytest.mark.parametrize(("boot", "wall"), [(301, 0), (301, -DAY), (301, 301)])
def test_the_ttl_counts_on_the_boot_clock_whatever_the_wall_clock_does(
    stand_in: StandIn, setting: Setting, boot: float, wall: float
) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url, token_ttl=300)) as client:
            await get_key(client)
            setting.clock.boot_now += boot
            setting.clock.wall_now += wall
            await get_key(client)
            assert (stand_in.count(LOGIN), stand_in.count(RENEW)) == (1, 1)

    run(scenario())


def test_a_renewal_that_fails_falls_back_to_a_login_that_ends_the_old_family(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        stand_in.fault("status", RENEW, status=500)
        async with setting.client(config(stand_in.url, token_ttl=300)) as client:
            await get_key(client)
            setting.clock.advance(301)
            assert await get_key(client) == b"value"
        assert [stand_in.count(route) for route in (LOGIN, RENEW)] == [2, 1]
        assert stand_in.count(REVOKE) == 2, "the old family, and the new one at the close"

    run(scenario())


@pytest.mark.parametrize("fault", [("reset", {}), ("status", {"status": 429})])
def test_a_renewal_that_a_login_would_not_better_is_no_login(
    stand_in: StandIn, setting: Setting, fault: tuple[str, dict[str, Any]]
) -> None:
    async def scenario() -> None:
        stand_in.fault(fault[0], RENEW, times=1, **fault[1])
        async with setting.client(config(stand_in.url, token_ttl=300)) as client:
            await get_key(client)
            setting.clock.advance(301)
            error = await failure_of(get_key(client))
            assert error.kind in {Kind.TRANSPORT, Kind.LIMITED}
            assert await get_key(client) == b"value"

    run(scenario())
    assert (stand_in.count(LOGIN), stand_in.count(RENEW)) == (1, 2)


def test_a_dead_token_is_not_renewed_but_replaced(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        set_lives(stand_in, ttl=60)
        async with setting.client(config(stand_in.url, token_ttl=300)) as client:
            await get_key(client)
            setting.clock.advance(56)
            await get_key(client)

    run(scenario())
    assert (stand_in.count(LOGIN), stand_in.count(RENEW)) == (2, 0)


def test_at_the_end_of_its_maximum_a_family_is_replaced(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        set_lives(stand_in, ttl=100, max_ttl=150)
        async with setting.client(config(stand_in.url, token_ttl=90)) as client:
            await get_key(client)
            setting.clock.advance(91)
            stand_in.control("POST", "clock", {"offset": 91})
            await get_key(client)
            assert (stand_in.count(LOGIN), stand_in.count(RENEW)) == (1, 1)
            setting.clock.advance(56)
            stand_in.control("POST", "clock", {"offset": 147})
            await get_key(client)
            assert (stand_in.count(LOGIN), stand_in.count(RENEW)) == (2, 1)

    run(scenario())


def test_a_token_of_a_few_seconds_is_still_used(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        set_lives(stand_in, ttl=4)
        async with setting.client(config(stand_in.url)) as client:
            for _ in range(3):
                await get_key(client)

    run(scenario())
    assert stand_in.count(LOGIN) == 1


@pytest.mark.parametrize("offset", [-DAY, DAY])
def test_a_servers_clock_that_differs_costs_no_logins(
    stand_in: StandIn, setting: Setting, offset: int
) -> None:
    async def scenario() -> None:
        set_lives(stand_in, ttl=600)
        stand_in.control("POST", "clock", {"offset": offset})
        async with setting.client(config(stand_in.url)) as client:
            for _ in range(3):
                await get_key(client)

    run(scenario())
    assert (stand_in.count(LOGIN), stand_in.count(RENEW)) == (1, 0)


def test_a_tested_login_replaces_the_family_before_it(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            await get_key(client)
            (outcome,) = await client.test_logins(retry=False)
            assert outcome.ok
            assert outcome.expires_at > setting.clock.wall_now
            assert await get_key(client) == b"value"
        assert stand_in.count(REVOKE) == 2

    run(scenario())
    assert stand_in.count(LOGIN) == 2
