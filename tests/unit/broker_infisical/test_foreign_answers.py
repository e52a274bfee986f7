"""Whatever answers in Infisical's place is told apart from it, and cannot exhaust us (r11)."""

import gzip
import tracemalloc
import zlib
from typing import Any

import pytest

from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.shared.limits import LIST_BODY_BYTES, MIB, SINGLE_BODY_BYTES
from tests.fakes.infisical.process import StandIn
from tests.unit.broker_infisical.scripted_server import answer, login, scripted
from tests.unit.broker_infisical.setting import (
    SECRETS,
    Setting,
    config,
    failure_of,
    get_key,
    run,
)

BODY = b'{"secret": {"secretKey": "KEY", "secretValue": "value"}}'
GZIP = "Content-Encoding: gzip"


async def failure_after(setting: Setting, *script: bytes) -> UpstreamError:
    async with (
        scripted(login(), *script) as server,
        setting.client(config(server.url)) as client,
    ):
        return await failure_of(get_key(client))


async def value_after(setting: Setting, *script: bytes) -> bytes:
    async with (
        scripted(login(), *script) as server,
        setting.client(config(server.url)) as client,
    ):
        return await get_key(client)


@pytest.mark.parametrize(
    ("fault", "parameters", "words"),
    [
        ("html_200", {}, "HTML or other text instead of JSON"),
        ("invalid_json", {}, "a body that is no JSON"),
        ("wrong_type", {}, "JSON of another shape"),
        ("wrong_type", {"body": [1]}, "JSON of another shape"),
        ("foreign_404", {"form": "html"}, "a 404 without a reqId"),
        ("foreign_404", {"form": "route"}, "an API older than v4"),
        ("redirect", {"location": "http://127.0.0.1:1/"}, "a redirect (302)"),
        ("redirect", {"location": "/other", "status": 308}, "a redirect (308)"),
        ("status", {"status": 304, "body": ""}, "a redirect (304)"),
        ("status", {"status": 204, "body": ""}, "status 204"),
        ("status", {"status": 403, "body": "<h1>Blocked</h1>"}, "status 403 without"),
        ("status", {"status": 401, "body": {"detail": "no"}}, "status 401 without"),
        ("status", {"status": 418, "body": ""}, "status 418 without"),
        ("huge", {"mib": 3}, f"more than {SINGLE_BODY_BYTES} bytes"),
    ],
)
def test_it_is_not_taken_for_infisical(
    stand_in: StandIn,
    setting: Setting,
    fault: str,
    parameters: dict[str, Any],
    words: str,
) -> None:
    stand_in.fault(fault, SECRETS, **parameters)

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            error = await failure_of(get_key(client))
            assert (error.kind, error.code) == (Kind.FOREIGN, "foreign")
            assert "not an answer of Infisical" in str(error)
            assert words in str(error)
            assert "check api_url" in str(error)

    run(scenario())
    assert stand_in.count(SECRETS) == 1, "neither repeated nor followed"


def test_a_genuine_404_is_absent(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            error = await failure_of(client.get_secret("myproject", None, "/app", "NOPE"))
            assert (error.kind, error.code, error.status) == (Kind.ABSENT, "absent", 404)
            assert "Secret with name 'NOPE' not found" in str(error)
            assert client.health.error == "", "that a secret is absent is an answer"

    run(scenario())


def test_a_gzip_bomb_is_refused_before_it_unfolds(stand_in: StandIn, setting: Setting) -> None:
    stand_in.fault("gzip_bomb", SECRETS, mib=64)

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            await client.test_logins(retry=False)
            tracemalloc.start()
            error = await failure_of(client.list_folder("myproject", None, "/", recursive=False))
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert error.kind is Kind.FOREIGN
            assert f"more than {LIST_BODY_BYTES} bytes" in str(error)
            assert peak < 3 * LIST_BODY_BYTES

    run(scenario())


def test_a_body_without_end_is_read_no_further_than_its_cap(setting: Setting) -> None:
    async def scenario() -> None:
        endless = answer(b'"' + b"x" * (64 * MIB))
        async with (
            scripted(login(), endless) as server,
            setting.client(config(server.url)) as client,
        ):
            error = await failure_of(get_key(client))
            assert error.kind is Kind.FOREIGN
            # The rest is what socket buffers may hold.
            assert server.sent < SINGLE_BODY_BYTES + 16 * MIB

    run(scenario())


def test_gzip_is_understood(setting: Setting) -> None:
    assert run(value_after(setting, answer(gzip.compress(BODY), GZIP))) == b"value"


@pytest.mark.parametrize(
    ("body", "header"),
    [
        (BODY, "Content-Encoding: br"),
        (zlib.compress(BODY), "Content-Encoding: deflate"),
        (gzip.compress(gzip.compress(BODY)), "Content-Encoding: gzip, gzip"),
        (gzip.compress(BODY)[:-9], GZIP),
        (gzip.compress(BODY) + gzip.compress(b" "), GZIP),
        (BODY, GZIP),
        (b"", GZIP),
    ],
    # By hand: gzip puts the time into its bytes, so names made of them differ by the second.
    ids=["br", "deflate", "gzip-twice", "gzip-cut", "gzip-with-more", "plain", "empty"],
)
def test_other_codings_and_damaged_gzip_are_foreign(
    setting: Setting, body: bytes, header: str
) -> None:
    assert run(failure_after(setting, answer(body, header))).kind is Kind.FOREIGN


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[" * 200_000,
        b'{"secret": {"secretKey": "OTHER", "secretValue": "unasked-for"}}',
        b'{"secret": {"secretKey": "KEY"}}',
        b'{"secret": {"secretKey": "KEY", "secretValue": "\xff"}}',
        b'{"secret": {"secretKey": "KEY", "secretValue": "\\ud800"}}',
        BODY + b"x",
    ],
)
def test_a_body_that_is_not_the_secret_is_foreign(setting: Setting, body: bytes) -> None:
    error = run(failure_after(setting, answer(body)))
    assert error.kind is Kind.FOREIGN
    assert "unasked-for" not in str(error)


def test_what_is_not_http_is_foreign(setting: Setting) -> None:
    error = run(failure_after(setting, b"220 mail.example.com ESMTP\r\n\r\n"))
    assert error.kind is Kind.FOREIGN
    assert "does not speak HTTP" in str(error)


def test_an_error_with_an_unreadable_body_keeps_its_status(setting: Setting) -> None:
    broken = answer(b"no gzip", GZIP, status="503 Service Unavailable")
    error = run(failure_after(setting, broken))
    assert (error.kind, error.status) == (Kind.TRANSPORT, 503)


def test_cookies_are_not_kept(setting: Setting) -> None:
    async def scenario() -> None:
        async with (
            scripted(login(), answer(BODY, "Set-Cookie: a=b; Path=/")) as server,
            setting.client(config(server.url)) as client,
        ):
            for _ in range(2):
                await get_key(client)
            assert not any("cookie" in head.lower() for head in server.heads)

    run(scenario())
