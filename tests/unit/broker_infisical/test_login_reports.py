"""Where a login comes from, and what is told of every auth configuration."""

import pytest

from psi.shared.projection import Project, UniversalAuth
from psi.shared.secret import SecretBytes
from tests.fakes.infisical.process import StandIn
from tests.unit.broker_infisical.setting import (
    CLIENT_ID,
    CLIENT_SECRET,
    LOGIN,
    PROJECT_ID,
    Setting,
    config,
    failure_of,
    get_key,
    run,
)


def test_a_missing_credential_is_named_and_nothing_is_sent(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        auth = UniversalAuth(client_id=CLIENT_ID, client_secret_credential="infisical-secret")
        async with setting.client(config(stand_in.url, auth=auth)) as client:
            error = await failure_of(get_key(client))
            assert error.code == "refused"
            assert "infisical-secret" in str(error)
            assert client.identities()[0].state == "refused"

    run(scenario())
    assert stand_in.requests() == []


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_credential_may_end_its_line(stand_in: StandIn, setting: Setting, end: bytes) -> None:
    setting.credentials = lambda name: SecretBytes(CLIENT_SECRET.encode() * (name == "it") + end)

    async def scenario() -> None:
        auth = UniversalAuth(client_id=CLIENT_ID, client_secret_credential="it")
        async with setting.client(config(stand_in.url, auth=auth)) as client:
            assert await get_key(client) == b"value"

    run(scenario())


def test_a_credential_that_is_no_text_is_named(stand_in: StandIn, setting: Setting) -> None:
    setting.credentials = lambda _: SecretBytes(b"\xff\xfe")

    async def scenario() -> None:
        auth = UniversalAuth(client_id=CLIENT_ID, client_secret_credential="it")
        async with setting.client(config(stand_in.url, auth=auth)) as client:
            assert "credential it is not text" in str(await failure_of(get_key(client)))

    run(scenario())
    assert stand_in.requests() == []


def test_a_project_without_any_auth_is_named(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url, auth=None)) as client:
            error = await failure_of(get_key(client))
            assert error.code == "refused"
            assert "myproject has no auth" in str(error)
            assert client.identities() == []
            assert await client.test_logins(retry=False) == []

    run(scenario())


def test_every_auth_configuration_is_reported_and_an_equal_one_logs_in_once(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        provider = config(stand_in.url)
        same = Project(id=PROJECT_ID, environment="prod", auth=provider.auth)
        wrong = Project(id=PROJECT_ID, environment="prod", auth=config("http://x", "no").auth)
        plain = Project(id=PROJECT_ID, environment="prod")
        projects = {"same": same, "wrong": wrong, "plain": plain}
        async with setting.client(config(stand_in.url, projects=projects)) as client:
            outcomes = await client.test_logins(retry=False)
            assert [(one.scope, one.ok) for one in outcomes] == [
                ("global", True),
                ("project:same", True),
                ("project:wrong", False),
            ]
            states = [(one.scope, one.state) for one in client.identities()]
            assert states == [
                ("global", "valid"),
                ("project:same", "valid"),
                ("project:wrong", "refused"),
            ]

    run(scenario())
    assert stand_in.count(LOGIN) == 2
