"""Values and keys as Infisical has them, and those that cannot be handed on (r33)."""

from collections.abc import Iterator
from urllib.parse import unquote

import pytest

from psi.broker.infisical.outcome import Kind
from psi.shared.errors import Refusal
from psi.shared.secret import MAX_SECRET_BYTES
from tests.fakes.infisical.process import StandIn
from tests.unit.broker_infisical.rich_seed import (
    EXACT,
    LONG_KEY,
    ODD_KEYS,
    full_seed,
    get_once,
    list_once,
    shown,
)
from tests.unit.broker_infisical.setting import (
    CLIENT_ID,
    LIST,
    SECRETS,
    Setting,
    config,
    failure_of,
    run,
)


@pytest.fixture(scope="module")
def running() -> Iterator[StandIn]:
    with StandIn(full_seed()) as server:
        yield server


@pytest.mark.parametrize("key", EXACT)
def test_a_value_arrives_as_it_is_by_either_way(
    stand_in: StandIn, setting: Setting, key: str
) -> None:
    assert run(get_once(stand_in, setting, "/values", key)) == EXACT[key]
    entries = run(list_once(stand_in, setting, "/values")).entries
    assert [shown(one) for one in entries if one.key == key] == [EXACT[key]]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("MASKED", "its value is masked"),
        ("EMPTY", "its value is empty"),
        ("LARGE", "its value has 512000 bytes"),
        ("WIDE", "its value has 512000 bytes"),
    ],
)
def test_a_value_that_podman_cannot_have_is_a_problem_by_either_way(
    stand_in: StandIn, setting: Setting, key: str, words: str
) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            error = await failure_of(client.get_secret("myproject", None, "/values", key))
            assert (error.code, error.permission) == ("bad-value", False)
            assert f"secret {key}: {words}" in str(error)

    run(scenario())
    entries = run(list_once(stand_in, setting, "/values")).entries
    (found,) = [one for one in entries if one.key == key]
    assert found.value is None
    assert words in shown(found)


def test_the_largest_value_that_podman_takes_arrives(stand_in: StandIn, setting: Setting) -> None:
    assert len(run(get_once(stand_in, setting, "/values", "LIMIT"))) == MAX_SECRET_BYTES
    entries = run(list_once(stand_in, setting, "/values")).entries
    assert [len(shown(one)) for one in entries if one.key == "LIMIT"] == [MAX_SECRET_BYTES]


def test_a_value_hidden_by_its_flag_is_masked(stand_in: StandIn, setting: Setting) -> None:
    secret = {"secretKey": "HIDDEN", "secretValue": "x", "secretValueHidden": True}
    stand_in.fault("wrong_type", LIST, body={"secrets": [secret]}, times=1)
    (entry,) = run(list_once(stand_in, setting, "/values")).entries
    assert (entry.value, "masked" in shown(entry)) == (None, True)


def test_an_identity_that_may_not_read_values_is_denied(
    stand_in: StandIn, setting: Setting
) -> None:
    stand_in.control("POST", "identity", {"client_id": CLIENT_ID, "role": "no-value"})

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            error = await failure_of(client.list_folder("myproject", None, "/", recursive=False))
            assert (error.kind, error.permission) == (Kind.REFUSED, True)

    run(scenario())


@pytest.mark.parametrize("key", ODD_KEYS)
def test_odd_keys_are_found(stand_in: StandIn, setting: Setting, key: str) -> None:
    assert run(get_once(stand_in, setting, "/odd", key)) == f"value of {key}"


@pytest.mark.parametrize("key", [LONG_KEY, "ž" * 20, "..", "."])
def test_a_key_that_a_url_cannot_carry_is_read_by_listing(
    stand_in: StandIn, setting: Setting, key: str
) -> None:
    assert run(get_once(stand_in, setting, "/odd", key)) == f"value of {key}"
    assert [one["path"] for one in stand_in.requests(SECRETS)] == ["/api/v4/secrets"]


def test_a_key_of_a_hundred_characters_goes_by_its_own_url(
    stand_in: StandIn, setting: Setting
) -> None:
    run(get_once(stand_in, setting, "/odd", "K" * 100))
    paths = [unquote(one["path"]) for one in stand_in.requests(SECRETS)]
    assert paths == [f"/api/v4/secrets/{'K' * 100}"]


def test_a_long_key_that_is_not_in_its_folder_is_absent(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            error = await failure_of(client.get_secret("myproject", None, "/odd", "X" * 150))
            assert (error.kind, error.code) == (Kind.ABSENT, "absent")

    run(scenario())


def test_an_environment_that_is_given_replaces_the_projects(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            assert client.environment_of("myproject") == "prod"
            value = await client.get_secret("myproject", "dev", "/values", "ONE")
            assert value.reveal() == b"of dev"
            error = await failure_of(client.get_secret("myproject", "nope", "/values", "ONE"))
            assert error.kind is Kind.ABSENT

    run(scenario())


def test_a_project_that_is_not_configured_is_named(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            with pytest.raises(Refusal, match="no project 'other' is configured") as caught:
                await client.get_secret("other", None, "/", "KEY")
            assert caught.value.code == "unknown-name"
            with pytest.raises(Refusal, match="no project 'other'"):
                client.environment_of("other")

    run(scenario())
    assert stand_in.requests() == []
