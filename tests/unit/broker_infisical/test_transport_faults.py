"""Whatever breaks below an answer: named with its cause, bounded in time, repeated at most once."""

import asyncio
import contextlib
import socket
import time

import msgspec
import pytest

from psi.broker.infisical.client import InfisicalClient
from psi.broker.infisical.outcome import Kind, UpstreamError
from tests.fakes.infisical.process import StandIn
from tests.unit.broker_infisical.scripted_server import CLOSE, answer, login, scripted
from tests.unit.broker_infisical.setting import (
    CLIENT_ID,
    LOGIN,
    PATIENT,
    SECRETS,
    SHORT,
    Setting,
    config,
    failure_of,
    failure_with,
    get_key,
    run,
)

SINGLE = answer(b'{"secret": {"secretKey": "KEY", "secretValue": "value"}}')


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_refused_connection_is_named(setting: Setting, host: str) -> None:
    with contextlib.closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))  # bound, but it does not listen
        error = run(failure_with(setting, config(f"http://{host}:{bound.getsockname()[1]}")))
    assert (error.kind, error.code) == (Kind.TRANSPORT, "unreachable")
    assert f"{host} refuses the connection" in str(error)


def test_a_name_that_does_not_resolve_is_named(setting: Setting) -> None:
    error = run(failure_with(setting, config("http://infisical.invalid")))
    assert error.kind is Kind.TRANSPORT
    assert "DNS: the name infisical.invalid does not resolve" in str(error)


@pytest.mark.parametrize("fault", ["hang_before_headers", "hang_in_body", "drip"])
def test_the_deadline_covers_the_whole_exchange(
    stand_in: StandIn, setting: Setting, fault: str
) -> None:
    # Kept on disk, so that no login has to meet the short deadline.
    stand_in.control("POST", "identity", {"client_id": CLIENT_ID, "ttl": 300})

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            assert await get_key(client) == b"value"
        stand_in.fault(fault, SECRETS)
        setting.limits = SHORT
        async with setting.client(config(stand_in.url)) as client:
            begun = time.monotonic()
            error = await failure_of(get_key(client))
            assert error.kind is Kind.TRANSPORT
            assert "no whole answer from 127.0.0.1 within 0.4 s" in str(error)
            # A drip at 0.1 s a byte would take a minute and a half.
            assert time.monotonic() - begun < 20
            stand_in.clear_faults()
            assert await get_key_at_last(client) == b"value", "the connection is not used again"

    run(scenario())
    assert stand_in.count(LOGIN) == 1


async def get_key_at_last(client: InfisicalClient) -> bytes:
    """Ask until the machine is fast enough for a short deadline."""
    while True:
        with contextlib.suppress(UpstreamError):
            return await get_key(client)


@pytest.mark.parametrize("fault", ["cut_body", "reset"])
def test_a_connection_that_ends_early_is_a_transport_fault(
    stand_in: StandIn, setting: Setting, fault: str
) -> None:
    stand_in.fault(fault, SECRETS)
    error = run(failure_with(setting, config(stand_in.url)))
    assert error.kind is Kind.TRANSPORT
    assert "closed the connection before its answer was whole" in str(error)


def test_a_get_that_got_one_500_is_repeated(stand_in: StandIn, setting: Setting) -> None:
    stand_in.fault("status", SECRETS, status=500, times=1)

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            assert await get_key(client) == b"value"
            assert client.health.error == ""
            assert client.health.ok_at == setting.clock.wall_now
            assert client.health.requests == 3

    run(scenario())
    assert stand_in.count(SECRETS) == 2


def test_a_get_that_got_500_twice_is_not_repeated_again(
    stand_in: StandIn, setting: Setting
) -> None:
    stand_in.fault("status", SECRETS, status=500)
    error = run(failure_with(setting, config(stand_in.url)))
    assert (error.kind, error.status) == (Kind.TRANSPORT, 500)
    assert "Something went wrong" in str(error)
    assert stand_in.count(SECRETS) == 2


@pytest.mark.parametrize(("status", "body"), [(502, "<h1>Bad Gateway</h1>"), (503, ""), (504, "x")])
def test_other_5xx_are_transport_faults_and_tried_three_times(
    stand_in: StandIn, setting: Setting, status: int, body: str
) -> None:
    stand_in.fault("status", SECRETS, status=status, body=body)
    error = run(failure_with(setting, config(stand_in.url)))
    assert (error.kind, error.status) == (Kind.TRANSPORT, status)
    assert stand_in.count(SECRETS) == 3


def test_a_kept_connection_that_died_costs_one_repetition(setting: Setting) -> None:
    async def scenario() -> None:
        async with (
            scripted(login(), CLOSE, SINGLE) as server,
            setting.client(config(server.url)) as client,
        ):
            assert await get_key(client) == b"value"
            assert len(server.heads) == 3

    run(scenario())


def test_a_connection_that_dies_each_time_is_given_up_on(setting: Setting) -> None:
    async def scenario() -> None:
        async with (
            scripted(login(), CLOSE) as server,
            setting.client(config(server.url)) as client,
        ):
            assert (await failure_of(get_key(client))).kind is Kind.TRANSPORT
            assert len(server.heads) == 1 + 3

    run(scenario())


def test_a_login_whose_connection_dies_is_not_repeated(setting: Setting) -> None:
    async def scenario() -> None:
        async with scripted(CLOSE) as server, setting.client(config(server.url)) as client:
            assert (await failure_of(get_key(client))).kind is Kind.TRANSPORT
            assert len(server.heads) == 1

    run(scenario())


def test_no_more_connections_than_the_limit_are_opened(setting: Setting) -> None:
    setting.limits = msgspec.structs.replace(PATIENT, upstream_connections=3)

    async def scenario() -> None:
        async with (
            scripted(login(), SINGLE) as server,
            setting.client(config(server.url)) as client,
        ):
            await asyncio.gather(*(get_key(client) for _ in range(30)))
            assert server.connections <= 3
            assert len(server.heads) == 31

    run(scenario())
