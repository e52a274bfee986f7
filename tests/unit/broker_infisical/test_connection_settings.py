"""What the client takes from its configuration, and that it takes nothing from anywhere else."""

import pytest

from psi.broker.infisical.outcome import Kind
from psi.shared.errors import ConfigError
from tests.unit.broker_infisical.scripted_server import answer, login, scripted
from tests.unit.broker_infisical.setting import (
    CLIENT_SECRET,
    Setting,
    config,
    failure_of,
    get_key,
    run,
)

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
SINGLE = answer(b'{"secret": {"secretKey": "KEY", "secretValue": "value"}}')


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"api_url": "ftp://infisical.example.com"}, "api_url is not of the form"),
        ({"api_url": "infisical.example.com"}, "api_url is not of the form"),
        ({"api_url": "https://user:hunter2@infisical.example.com"}, "api_url is not of the form"),
        ({"api_url": "https://infisical.example.com/?x=1"}, "api_url is not of the form"),
        ({"api_url": "https://[::"}, "api_url is no URL"),
        ({"ca_cert": ""}, "ca_cert holds no certificate"),
        ({"ca_cert": "no PEM"}, "ca_cert holds no certificate"),
        ({"ca_cert": f"{BEGIN}\nAAAA\n{END}\n"}, "ca_cert holds no readable certificate"),
        ({"proxy": "socks5://127.0.0.1:1"}, "proxy is not of the form"),
        ({"proxy": "user:hunter2@127.0.0.1"}, "proxy is not of the form"),
    ],
)
def test_a_setting_that_cannot_be_is_named_at_the_start(
    setting: Setting, fields: dict[str, str], words: str
) -> None:
    async def scenario() -> None:
        provider = config(**({"url": "https://infisical.example.com"} | fields))
        async with setting.client(provider):
            raise AssertionError("it started")

    with pytest.raises(ConfigError, match=words) as caught:
        run(scenario())
    assert "hunter2" not in str(caught.value)


def test_a_trailing_slash_and_a_path_are_kept_apart(setting: Setting) -> None:
    async def scenario() -> None:
        async with (
            scripted(login(), SINGLE) as server,
            setting.client(config(f"{server.url}/base/")) as client,
        ):
            await get_key(client)
            assert server.heads[0].startswith(
                "POST /base/api/v1/auth/universal-auth/login HTTP/1.1"
            )
            assert server.heads[1].startswith("GET /base/api/v4/secrets/KEY?")

    run(scenario())


def test_only_gets_carry_the_token_and_nothing_says_more_than_it_must(setting: Setting) -> None:
    async def scenario() -> None:
        async with (
            scripted(login(), SINGLE) as server,
            setting.client(config(server.url)) as client,
        ):
            await get_key(client)
            first, second = (head.lower() for head in server.heads)
            assert "authorization" not in first
            assert "\r\nauthorization: bearer opaque-token\r\n" in second
            for head in (first, second):
                assert "\r\naccept-encoding: gzip\r\n" in head
                assert "\r\nuser-agent: psi-broker\r\n" in head

    run(scenario())


def test_proxy_and_roots_of_the_environment_are_ignored(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def scenario() -> None:
        async with (
            scripted(login(), SINGLE) as server,
            setting.client(config(server.url)) as client,
        ):
            assert await get_key(client) == b"value"

    run(scenario())


def test_a_configured_proxy_is_used(setting: Setting) -> None:
    async def scenario() -> None:
        async with scripted(login(), SINGLE) as proxy:
            provider = config("http://infisical.invalid", proxy=proxy.url)
            async with setting.client(provider) as client:
                assert await get_key(client) == b"value"
            assert proxy.heads[0].startswith("POST http://infisical.invalid/api/v1/")

    run(scenario())


def test_a_proxy_that_refuses_is_named_without_its_password(setting: Setting) -> None:
    async def scenario() -> None:
        refusal = answer(b"no", status="407 Proxy Authentication Required")
        async with scripted(refusal) as proxy:
            url = proxy.url.replace("http://", "http://someone:hunter2@")
            provider = config("https://infisical.invalid", proxy=url)
            async with setting.client(provider) as client:
                error = await failure_of(get_key(client))
        assert error.kind is Kind.TRANSPORT
        assert "the proxy refuses to connect to infisical.invalid" in str(error)
        assert "hunter2" not in str(error)

    run(scenario())


def test_nothing_that_holds_a_secret_shows_it(setting: Setting) -> None:
    async def scenario() -> None:
        provider = config("https://infisical.example.com")
        async with setting.client(provider) as client:
            assert CLIENT_SECRET not in repr(provider) + repr(vars(client))

    run(scenario())
