"""A refused credential is tried once, across restarts too, until it changes (r14)."""

import stat

import pytest

from psi.broker.infisical.outcome import Kind
from tests.fakes.infisical.process import StandIn
from tests.unit.broker_infisical.setting import (
    CLIENT_ID,
    CLIENT_SECRET,
    LOGIN,
    Setting,
    config,
    failure_of,
    get_key,
    run,
)

LOCKED = "This identity auth method is temporarily locked, please try again later"


def test_a_wrong_secret_is_tried_once_however_often_it_is_needed(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url, "wrong-secret")) as client:
            for _ in range(5):
                error = await failure_of(get_key(client))
                assert error.kind is Kind.REFUSED
                assert error.code == "refused"
                assert "Invalid credentials" in str(error)
                assert "psictl infisical login --retry" in str(error)
                assert "wrong-secret" not in str(error)
            assert client.identities()[0].state == "refused"

    run(scenario())
    assert stand_in.count(LOGIN) == 1


def test_a_wrong_secret_is_not_tried_again_after_a_restart(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        for _ in range(3):
            async with setting.client(config(stand_in.url, "wrong-secret")) as client:
                assert (await failure_of(get_key(client))).kind is Kind.REFUSED
                assert client.identities()[0].state == "refused"

    run(scenario())
    assert stand_in.count(LOGIN) == 1


def test_the_refusal_file_holds_no_secret_and_is_private(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url, "wrong-secret")) as client:
            await failure_of(get_key(client))

    run(scenario())
    (file,) = setting.refusal_files()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"wrong-secret" not in file.read_bytes()


def test_a_changed_secret_is_tried_and_opens_the_latch(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url, "wrong-secret")) as client:
            await failure_of(get_key(client))
        async with setting.client(config(stand_in.url)) as client:
            assert client.identities()[0].state == "idle"
            assert await get_key(client) == b"value"

    run(scenario())
    assert setting.refusal_files() == []


def test_retry_tries_a_latched_credential_again(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url, "later-right")) as client:
            await failure_of(get_key(client))
            stand_in.control(
                "POST", "identity", {"client_id": CLIENT_ID, "client_secret": "later-right"}
            )
            (held,) = await client.test_logins(retry=False)
            assert not held.ok
            assert "not tried again" in held.detail
            (tried,) = await client.test_logins(retry=True)
            assert (tried.ok, tried.detail, tried.scope) == (True, "", "global")
            assert await get_key(client) == b"value"

    run(scenario())
    assert stand_in.count(LOGIN) == 2
    assert setting.refusal_files() == []


def test_a_lockout_is_waited_out_and_needs_no_person(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        stand_in.fault("status", LOGIN, status=401, message=LOCKED, times=1)
        async with setting.client(config(stand_in.url)) as client:
            error = await failure_of(get_key(client))
            assert "temporarily locked" in str(error)
            setting.clock.advance(299)
            await failure_of(get_key(client))
        async with setting.client(config(stand_in.url)) as client:
            await failure_of(get_key(client))
            assert stand_in.count(LOGIN) == 1
            setting.clock.advance(2)
            assert await get_key(client) == b"value"

    run(scenario())
    assert stand_in.count(LOGIN) == 2


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        (403, "ForbiddenError", "You are not allowed to access this resource from the current IP"),
        (404, "NotFound", "Organization not found"),
        (422, "ValidationFailure", "clientId: Required"),
        (400, "BadRequest", "Universal auth is not configured"),
        (403, "PermissionDenied", "You are not allowed to login"),
    ],
)
def test_other_refusals_of_a_login_are_held_and_never_look_like_a_lost_secret(
    stand_in: StandIn, setting: Setting, status: int, error: str, message: str
) -> None:
    async def scenario() -> None:
        stand_in.fault("status", LOGIN, status=status, error=error, message=message, times=1)
        async with setting.client(config(stand_in.url)) as client:
            for _ in range(2):
                failure = await failure_of(get_key(client))
                assert failure.kind is Kind.REFUSED
                assert not failure.permission
                assert message[:20] in str(failure)
            setting.clock.advance(301)
            assert await get_key(client) == b"value"

    run(scenario())
    assert stand_in.count(LOGIN) == 2


def test_another_server_gets_its_own_try(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url, "wrong-secret")) as client:
            await failure_of(get_key(client))
        elsewhere = stand_in.url.replace("127.0.0.1", "localhost")
        async with setting.client(config(elsewhere, "wrong-secret")) as client:
            await failure_of(get_key(client))

    run(scenario())
    assert stand_in.count(LOGIN) == 2


def test_a_damaged_refusal_file_is_ignored(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url, "wrong-secret")) as client:
            await failure_of(get_key(client))
        (file,) = setting.refusal_files()
        file.write_bytes(b"{")
        async with setting.client(config(stand_in.url)) as client:
            assert await get_key(client) == b"value"

    run(scenario())


def test_a_login_is_never_repeated_after_a_500(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        stand_in.fault("status", LOGIN, status=500, times=1)
        async with setting.client(config(stand_in.url)) as client:
            error = await failure_of(get_key(client))
            assert (error.kind, error.status) == (Kind.TRANSPORT, 500)
            assert stand_in.count(LOGIN) == 1
            assert client.identities()[0].state == "idle"
            assert await get_key(client) == b"value"

    run(scenario())
    assert setting.refusal_files() == []


@pytest.mark.parametrize("fault", ["html_200", "foreign_404", "invalid_json", "wrong_type"])
def test_a_foreign_answer_to_a_login_closes_no_latch(
    stand_in: StandIn, setting: Setting, fault: str
) -> None:
    async def scenario() -> None:
        stand_in.fault(fault, LOGIN, times=1)
        async with setting.client(config(stand_in.url)) as client:
            assert (await failure_of(get_key(client))).kind is Kind.FOREIGN
            assert await get_key(client) == b"value"

    run(scenario())


def test_a_proxys_401_page_closes_no_latch(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        stand_in.fault("status", LOGIN, status=401, body="<h1>Authorization Required</h1>", times=1)
        async with setting.client(config(stand_in.url)) as client:
            assert (await failure_of(get_key(client))).kind is Kind.FOREIGN
            assert await get_key(client) == b"value"

    run(scenario())


def test_a_rate_limited_login_waits_as_long_as_it_is_told(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        stand_in.fault("status", LOGIN, status=429, headers={"retry-after": "60"}, times=1)
        async with setting.client(config(stand_in.url)) as client:
            error = await failure_of(get_key(client))
            assert (error.kind, error.retry_after) == (Kind.LIMITED, 60)
            setting.clock.advance(59)
            again = await failure_of(get_key(client))
            assert (again.kind, again.retry_after) == (Kind.LIMITED, 1)
            assert stand_in.count(LOGIN) == 1
            setting.clock.advance(2)
            assert await get_key(client) == b"value"

    run(scenario())
    assert setting.refusal_files() == []


def test_an_echoed_secret_stays_out_of_the_error(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        message = f"no identity has {CLIENT_SECRET}"
        stand_in.fault("status", LOGIN, status=401, message=message, times=1)
        async with setting.client(config(stand_in.url)) as client:
            error = await failure_of(get_key(client))
            assert "no identity has (secret)" in str(error)
            assert CLIENT_SECRET not in client.health.error

    run(scenario())
    (file,) = setting.refusal_files()
    assert CLIENT_SECRET.encode() not in file.read_bytes()
