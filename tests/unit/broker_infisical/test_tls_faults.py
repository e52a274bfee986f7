"""TLS failures are named with the setting that cures them, and nothing is sent over them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from psi.broker.infisical.outcome import Kind, UpstreamError
from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.tls import TlsFiles, make_tls_files
from tests.unit.broker_infisical.setting import (
    LOGIN,
    PATIENT,
    Setting,
    config,
    failure_with,
    get_key,
    run,
    seed,
)


def test_a_server_that_never_finishes_tls_is_given_up_on(setting: Setting) -> None:
    async def scenario() -> UpstreamError:
        async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        silent = await asyncio.start_server(stay_silent, "127.0.0.1", 0)
        port = silent.sockets[0].getsockname()[1]
        setting.limits = msgspec.structs.replace(PATIENT, upstream_connect_seconds=0.2)
        try:
            return await failure_with(setting, config(f"https://127.0.0.1:{port}"))
        finally:
            silent.close()

    error = run(scenario())
    assert error.kind is Kind.TRANSPORT
    assert "no connection to 127.0.0.1 in time" in str(error)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    return make_tls_files(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def secure(tls: TlsFiles) -> Iterator[StandIn]:
    with StandIn(seed(), tls) as server:
        yield server


def test_a_private_ca_is_trusted_when_it_is_configured(
    secure: StandIn, tls: TlsFiles, setting: Setting
) -> None:
    async def scenario() -> None:
        async with setting.client(config(secure.url, ca_cert=tls.ca.read_text())) as client:
            assert await get_key(client) == b"value"

    run(scenario())


def test_a_certificate_that_nobody_vouches_for_is_refused_and_nothing_is_sent(
    secure: StandIn, setting: Setting
) -> None:
    secure.clear_requests()
    error = run(failure_with(setting, config(secure.url)))
    assert error.kind is Kind.TRANSPORT
    assert "TLS: certificate of 127.0.0.1 not trusted; set ca_cert" in str(error)
    assert secure.count(LOGIN) == 0


def test_another_ca_replaces_the_roots_and_does_not_help(
    secure: StandIn, setting: Setting, tmp_path: Path
) -> None:
    other = make_tls_files(tmp_path)
    error = run(failure_with(setting, config(secure.url, ca_cert=other.ca.read_text())))
    assert "not trusted" in str(error)


def test_a_ca_with_comments_in_any_language_is_read(
    secure: StandIn, tls: TlsFiles, setting: Setting
) -> None:
    async def scenario() -> None:
        pem = f"# Kořenová autorita\n{tls.ca.read_text()}"
        async with setting.client(config(secure.url, ca_cert=pem)) as client:
            assert await get_key(client) == b"value"

    run(scenario())


def test_an_expired_certificate_is_named(setting: Setting, tmp_path: Path) -> None:
    files = make_tls_files(tmp_path, expired=True)
    with StandIn(seed(), files) as server:
        ca = files.ca.read_text()
        error = run(failure_with(setting, config(server.url, ca_cert=ca)))
    assert "is not valid now" in str(error)


def test_a_certificate_for_another_name_is_named(setting: Setting, tmp_path: Path) -> None:
    files = make_tls_files(tmp_path, "infisical.example.com")
    with StandIn(seed(), files) as server:
        ca = files.ca.read_text()
        error = run(failure_with(setting, config(server.url, ca_cert=ca)))
    assert "certificate is not for 127.0.0.1" in str(error)


def test_https_to_a_server_without_tls_is_named(setting: Setting) -> None:
    async def scenario() -> UpstreamError:
        async def complain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            writer.close()

        plain = await asyncio.start_server(complain, "127.0.0.1", 0)
        port = plain.sockets[0].getsockname()[1]
        try:
            return await failure_with(setting, config(f"https://127.0.0.1:{port}"))
        finally:
            plain.close()

    error = run(scenario())
    assert error.kind is Kind.TRANSPORT
    assert "TLS with 127.0.0.1 failed" in str(error)
    assert "check api_url's scheme and port" in str(error)


def test_verification_can_be_switched_off_and_says_so_at_start(
    secure: StandIn, setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with setting.client(config(secure.url, verify_ssl=False)) as client:
            assert await get_key(client) == b"value"

    run(scenario())
    assert [one.getMessage() for one in caplog.records].count("tls-not-verified") == 1
