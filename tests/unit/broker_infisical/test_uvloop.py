"""The service runs on uvloop, whose errors come in other clothes than asyncio's."""

import contextlib
import socket
from pathlib import Path

import uvloop

from psi.broker.infisical.outcome import Kind
from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.tls import make_tls_files
from tests.unit.broker_infisical.setting import (
    SECRETS,
    Setting,
    config,
    failure_with,
    get_key,
    seed,
)


def test_a_value_arrives(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            assert await get_key(client) == b"value"

    uvloop.run(scenario())


def test_a_refused_connection_is_named(setting: Setting) -> None:
    with contextlib.closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))  # bound, but it does not listen
        url = f"http://localhost:{bound.getsockname()[1]}"
        error = uvloop.run(failure_with(setting, config(url)))
    assert "localhost refuses the connection" in str(error)


def test_a_name_that_does_not_resolve_is_named(setting: Setting) -> None:
    error = uvloop.run(failure_with(setting, config("http://infisical.invalid")))
    assert "DNS: the name infisical.invalid does not resolve" in str(error)


def test_an_untrusted_certificate_is_named(setting: Setting, tmp_path: Path) -> None:
    with StandIn(seed(), make_tls_files(tmp_path)) as server:
        error = uvloop.run(failure_with(setting, config(server.url)))
    assert "TLS: certificate of 127.0.0.1 not trusted; set ca_cert" in str(error)


def test_a_reset_connection_is_a_transport_fault(stand_in: StandIn, setting: Setting) -> None:
    stand_in.fault("reset", SECRETS)
    error = uvloop.run(failure_with(setting, config(stand_in.url)))
    assert error.kind is Kind.TRANSPORT
    assert "closed the connection before its answer was whole" in str(error)
