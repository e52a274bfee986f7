"""A token goes to disk only when the JWT itself is as short-lived as token.ttl (r7)."""

import asyncio
import hashlib
import json
import stat
import time

import pytest

from psi.broker.infisical.outcome import Kind
from tests.fakes.infisical.process import StandIn
from tests.unit.broker_infisical.setting import (
    CLIENT_ID,
    LOGIN,
    PATIENT,
    RENEW,
    REVOKE,
    Setting,
    config,
    failure_of,
    get_key,
    run,
)

HEADER_INJECTION = json.dumps(
    {
        "access_token": "a\r\nX-Evil: 1",
        "obtained_at": 1,
        "expires_at": 9e9,
        "family_expires_at": None,
        "api_url": "http://x",
    }
).encode()


@pytest.fixture
def brief(stand_in: StandIn) -> StandIn:
    """Let tokens live just as long as token.ttl."""
    stand_in.control("POST", "identity", {"client_id": CLIENT_ID, "ttl": 300})
    return stand_in


async def use_once(server: StandIn, setting: Setting, url: str | None = None) -> None:
    async with setting.client(config(url or server.url)) as client:
        assert await get_key(client) == b"value"


def test_a_short_lived_token_is_kept_on_disk_and_used_after_a_restart(
    brief: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        await use_once(brief, setting)
        await use_once(brief, setting)

    run(scenario())
    assert [brief.count(route) for route in (LOGIN, RENEW, REVOKE)] == [1, 0, 0]


def test_the_token_file_is_private_and_of_the_known_form(brief: StandIn, setting: Setting) -> None:
    run(use_once(brief, setting))
    (file,) = setting.token_files()
    saved = json.loads(file.read_bytes())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    named = hashlib.sha256(f"universal-auth\0{CLIENT_ID}".encode()).hexdigest()[:12]
    assert file.name == f".token.{named}.json"
    assert saved["access_token"].startswith("eyJ")
    assert abs(saved["expires_at"] - setting.clock.wall_now - 300) < 1


def test_a_long_lived_token_never_touches_the_disk_and_is_revoked_at_the_end(
    stand_in: StandIn, setting: Setting
) -> None:
    stand_in.control("POST", "identity", {"client_id": CLIENT_ID, "ttl": 301})

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            await get_key(client)
            assert setting.token_files() == []
            assert stand_in.count(REVOKE) == 0
        assert stand_in.count(REVOKE) == 1

    run(scenario())
    assert list(setting.folder.iterdir()) == []


def test_a_long_lived_login_takes_the_file_of_a_short_lived_one_away(
    brief: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        await use_once(brief, setting)
        brief.control("POST", "identity", {"client_id": CLIENT_ID, "ttl": 3600})
        brief.control("POST", "revoke", {"client_id": CLIENT_ID})
        await use_once(brief, setting)

    run(scenario())
    assert setting.token_files() == []


def test_a_revoked_token_from_disk_is_replaced(brief: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        await use_once(brief, setting)
        brief.control("POST", "revoke", {"client_id": CLIENT_ID})
        await use_once(brief, setting)
        await use_once(brief, setting)

    run(scenario())
    assert brief.count(LOGIN) == 2


def test_a_renewed_token_replaces_the_one_on_disk(brief: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        brief.control("POST", "identity", {"client_id": CLIENT_ID, "ttl": 60})
        async with setting.client(config(brief.url, token_ttl=70)) as client:
            await get_key(client)
        (file,) = setting.token_files()
        first = json.loads(file.read_bytes())["expires_at"]
        setting.clock.advance(30)
        brief.control("POST", "clock", {"offset": 30})
        async with setting.client(config(brief.url, token_ttl=20)) as client:
            await get_key(client)
        assert (brief.count(LOGIN), brief.count(RENEW)) == (1, 1)
        assert first > 0

    run(scenario())
    assert setting.token_files() == [], "60 s are more than a token.ttl of 20"


def test_an_expired_token_on_disk_is_not_sent(brief: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        await use_once(brief, setting)
        setting.clock.advance(299)
        await use_once(brief, setting)

    run(scenario())
    assert (brief.count(LOGIN), brief.count(RENEW)) == (2, 0)
    assert {one["status"] for one in brief.requests()} == {200}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"[" * 9000,
        b"x" * 20_000,
        HEADER_INJECTION,
        b'{"access_token": "forerunner", "expires_at": 9999999999.0}',
    ],
)
def test_a_damaged_token_file_is_ignored_and_replaced(
    brief: StandIn, setting: Setting, content: bytes
) -> None:
    async def scenario() -> None:
        await use_once(brief, setting)
        (file,) = setting.token_files()
        file.write_bytes(content)
        await use_once(brief, setting)
        assert json.loads(file.read_bytes())["access_token"].startswith("eyJ")

    run(scenario())
    assert brief.count(LOGIN) == 2


def test_a_token_file_that_is_a_link_is_not_followed(brief: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        await use_once(brief, setting)
        (file,) = setting.token_files()
        elsewhere = setting.folder / "elsewhere"
        file.rename(elsewhere)
        file.symlink_to(elsewhere)
        await use_once(brief, setting)
        assert not file.is_symlink()

    run(scenario())
    assert brief.count(LOGIN) == 2


def test_a_token_is_never_shown_to_another_server(brief: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        await use_once(brief, setting)
        await use_once(brief, setting, brief.url.replace("127.0.0.1", "localhost"))

    run(scenario())
    assert brief.count(LOGIN) == 2


def test_a_token_from_the_future_is_not_trusted(brief: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        await use_once(brief, setting)
        setting.clock.wall_now -= 3600
        await use_once(brief, setting)

    run(scenario())
    assert brief.count(LOGIN) == 2


def test_a_folder_that_cannot_be_written_costs_a_login_and_no_more(
    brief: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        missing = Setting(setting.folder / "missing", setting.clock)
        await use_once(brief, missing)
        await use_once(brief, missing)

    run(scenario())
    assert [brief.count(route) for route in (LOGIN, REVOKE)] == [2, 2]


def test_closing_does_not_wait_for_a_server_that_hangs(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        stand_in.fault("hang_before_headers", REVOKE)
        begun = time.monotonic()
        await use_once(stand_in, setting)
        assert time.monotonic() - begun < PATIENT.upstream_seconds

    run(scenario())
    assert stand_in.count(REVOKE) == 1


def test_closing_during_a_login_that_hangs_ends_it_and_tells_the_waiter(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        stand_in.fault("hold", LOGIN)
        async with setting.client(config(stand_in.url)) as client:
            waiter = asyncio.create_task(failure_of(get_key(client)))
            await asyncio.to_thread(stand_in.wait_held, 1)
        error = await waiter
        assert error.kind is Kind.TRANSPORT
        assert "the broker is stopping" in str(error)

    run(scenario())
