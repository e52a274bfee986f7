"""A token that Infisical refuses is replaced once; a denial is no reason to log in again."""

import asyncio

import pytest

from psi.broker.infisical.outcome import Kind
from tests.fakes.infisical.process import StandIn
from tests.unit.broker_infisical.setting import (
    CLIENT_ID,
    DAY,
    LOGIN,
    SECRETS,
    Setting,
    config,
    failure_of,
    get_key,
    run,
)


def revoke_all(stand_in: StandIn) -> None:
    stand_in.control("POST", "revoke", {"client_id": CLIENT_ID})


def test_a_token_that_the_server_calls_expired_is_replaced_once(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            await get_key(client)
            stand_in.control("POST", "clock", {"offset": 31 * DAY})
            assert await get_key(client) == b"value"

    run(scenario())
    assert stand_in.count(LOGIN) == 2
    assert [one["status"] for one in stand_in.requests(SECRETS)] == [200, 403, 200]


def test_a_revoked_token_is_replaced_once_for_all_who_used_it(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            await get_key(client)
            revoke_all(stand_in)
            values = await asyncio.gather(*(get_key(client) for _ in range(20)))
            assert values == [b"value"] * 20

    run(scenario())
    assert stand_in.count(LOGIN) == 2


def test_a_login_whose_tokens_are_refused_at_once_is_not_repeated(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            await get_key(client)
            stand_in.fault("status", SECRETS, status=401)
            for _ in range(5):
                error = await failure_of(get_key(client))
                assert error.kind is Kind.REFUSED
            assert stand_in.count(LOGIN) == 2
            setting.clock.advance(31)
            await failure_of(get_key(client))
            assert stand_in.count(LOGIN) == 3
            stand_in.clear_faults()
            assert await get_key(client) == b"value"

    run(scenario())
    assert stand_in.count(LOGIN) == 3


def test_two_revocations_in_a_row_each_get_their_login(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            for _ in range(3):
                assert await get_key(client) == b"value"
                revoke_all(stand_in)
            assert await get_key(client) == b"value"

    run(scenario())
    assert stand_in.count(LOGIN) == 4


@pytest.mark.parametrize(
    ("error", "message", "permission"),
    [
        ("PermissionDenied", "You are not allowed to readValue on secrets", True),
        ("ProjectMembershipNotFound", "You are not a member of this project", True),
        ("PermissionDenied", "Failed to expand one or more secret references", False),
        (
            "ForbiddenError",
            "not allowed to access this resource from the current IP address",
            False,
        ),
    ],
)
def test_a_denial_is_no_reason_to_log_in_again(
    stand_in: StandIn,
    setting: Setting,
    error: str,
    message: str,
    permission: bool,  # noqa: FBT001  # a parameter of the table above
) -> None:
    async def scenario() -> None:
        stand_in.fault("status", SECRETS, status=403, error=error, message=message)
        async with setting.client(config(stand_in.url)) as client:
            failure = await failure_of(get_key(client))
            assert (failure.kind, failure.permission) == (Kind.REFUSED, permission)

    run(scenario())
    assert stand_in.count(LOGIN) == 1
