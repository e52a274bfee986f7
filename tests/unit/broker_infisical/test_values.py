"""Values, imports and keys as Infisical has them, and those that cannot be handed on (r32, r33)."""

from collections.abc import Iterator
from urllib.parse import unquote

import pytest

from psi.broker.infisical.listing import Entry, Listing
from psi.broker.infisical.outcome import Kind
from psi.shared.errors import Refusal
from psi.shared.secret import MAX_SECRET_BYTES
from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed
from tests.unit.broker_infisical.setting import (
    CLIENT_ID,
    CLIENT_SECRET,
    LIST,
    PROJECT_ID,
    SECRETS,
    Setting,
    config,
    failure_of,
    run,
)

LONG_KEY = "K" * 101
ODD_KEYS = ["has space", "q?a=b&c#d", "100%", "%41", "ž", "..", ".", "K" * 100, "ž" * 20, "+"]
EXACT = {"CRLF": "a\r\nb\n", "NUL": "a\0b", "QUOTES": "'\"`$(id)\\", "ONE": "x", "UNI": "žluť €"}


def full_seed() -> Seed:
    project = ProjectSeed(PROJECT_ID, "myproject")
    project.secrets_at("prod", "/values", MASKED="<hidden-by-infisical>", EMPTY="", **EXACT)
    project.secret("prod", "/values", "LIMIT", "x" * MAX_SECRET_BYTES)
    project.secret("prod", "/values", "LARGE", "x" * (MAX_SECRET_BYTES + 1))
    project.secret("prod", "/values", "WIDE", "ž" * 256_000)
    for key in [*ODD_KEYS, LONG_KEY]:
        project.secret("prod", "/odd", key, f"value of {key}")
    project.secrets_at("prod", "/main", SAME="direct", OWN="own")
    project.secrets_at("prod", "/first", SAME="first", TWICE="first", FIRST="first")
    project.secrets_at("prod", "/second", SAME="second", TWICE="second", SECOND="second")
    project.imports_from("prod", "/main", "prod", "/first")
    project.imports_from("prod", "/main", "prod", "/second")
    project.secrets_at("prod", "/tree", KEY="top", TOP="top")
    project.secrets_at("prod", "/tree/a", KEY="a")
    project.secrets_at("prod", "/tree/a/b", DEEP="b")
    project.secrets_at("prod", "/treetop", OUTSIDE="outside")
    project.secrets_at("prod", "/wood", OAK="oak", FIRST="own")
    project.secrets_at("prod", "/wood/a", ASH="ash")
    project.secrets_at("prod", "/wood/b", BOX="box")
    project.secrets_at("prod", "/lent/root", AT_ROOT="root")
    project.secrets_at("prod", "/lent/a", AT_A="a", AT_BOTH="both")
    project.secrets_at("prod", "/lent/b", AT_EMPTY="empty")
    project.imports_from("prod", "/wood", "prod", "/lent/root")
    project.imports_from("prod", "/wood/a", "prod", "/lent/a")
    project.imports_from("prod", "/wood/a", "prod", "/first")
    project.imports_from("prod", "/wood/b", "prod", "/lent/a")
    project.imports_from("prod", "/wood/empty", "prod", "/lent/b")
    project.secrets_at("dev", "/values", ONE="of dev")
    return Seed([IdentitySeed(CLIENT_ID, CLIENT_SECRET)], [project])


@pytest.fixture(scope="module")
def running() -> Iterator[StandIn]:
    with StandIn(full_seed()) as server:
        yield server


async def list_once(
    stand_in: StandIn, setting: Setting, path: str, *, recursive: bool = False
) -> Listing:
    async with setting.client(config(stand_in.url)) as client:
        return await client.list_folder("myproject", None, path, recursive=recursive)


def shown(entry: Entry) -> str:
    if entry.value is not None:
        assert entry.problem is None
        return entry.value.reveal().decode()
    assert entry.problem is not None
    return entry.problem


async def get_once(stand_in: StandIn, setting: Setting, path: str, key: str) -> str:
    async with setting.client(config(stand_in.url)) as client:
        return (await client.get_secret("myproject", None, path, key)).reveal().decode()


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


def test_direct_wins_over_imports_and_the_last_import_over_earlier_ones(
    stand_in: StandIn, setting: Setting
) -> None:
    entries = run(list_once(stand_in, setting, "/main")).entries
    assert {one.key: shown(one) for one in entries} == {
        "SAME": "direct",
        "OWN": "own",
        "TWICE": "second",
        "FIRST": "first",
        "SECOND": "second",
    }
    assert {one.path for one in entries} == {"/main"}
    assert len(entries) == 5


@pytest.mark.parametrize(("key", "value"), [("SAME", "direct"), ("TWICE", "second")])
def test_a_single_secret_comes_with_the_same_precedence(
    stand_in: StandIn, setting: Setting, key: str, value: str
) -> None:
    assert run(get_once(stand_in, setting, "/main", key)) == value


def test_a_tree_has_each_secret_at_its_own_path_and_both_of_one_key(
    stand_in: StandIn, setting: Setting
) -> None:
    entries = run(list_once(stand_in, setting, "/tree", recursive=True)).entries
    assert {(one.path, one.key): shown(one) for one in entries} == {
        ("/tree", "KEY"): "top",
        ("/tree", "TOP"): "top",
        ("/tree/a", "KEY"): "a",
        ("/tree/a/b", "DEEP"): "b",
    }


@pytest.mark.parametrize(
    "path", ["/treetop", "/", "tree", "/tree/../x", "/tree//a", "/tree/\n", ""]
)
def test_a_secret_from_outside_of_the_tree_is_foreign(
    stand_in: StandIn, setting: Setting, path: str
) -> None:
    secret = {"secretKey": "A", "secretValue": "x", "secretPath": path}
    stand_in.fault("wrong_type", LIST, body={"secrets": [secret]}, times=1)

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            work = client.list_folder("myproject", None, "/tree", recursive=True)
            assert (await failure_of(work)).kind is Kind.FOREIGN

    run(scenario())


def test_personal_entries_are_left_out(stand_in: StandIn, setting: Setting) -> None:
    own = {"secretKey": "A", "secretValue": "mine", "type": "personal"}
    shared = {"secretKey": "A", "secretValue": "all", "type": "shared"}
    stand_in.fault("wrong_type", LIST, body={"secrets": [shared, own]}, times=1)
    entries = run(list_once(stand_in, setting, "/values")).entries
    assert [shown(one) for one in entries] == ["all"]


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


def test_all_flags_are_always_sent(stand_in: StandIn, setting: Setting) -> None:
    run(list_once(stand_in, setting, "/tree", recursive=True))
    run(list_once(stand_in, setting, "/tree"))
    run(get_once(stand_in, setting, "/tree", "TOP"))
    place = {"projectId": PROJECT_ID, "environment": "prod", "secretPath": "/tree"}
    flags = dict.fromkeys(
        ["viewSecretValue", "expandSecretReferences", "includeImports", "include_imports"], "true"
    )
    tree, folder, single = [one["query"] for one in stand_in.requests(SECRETS)]
    lists = place | flags | {"includePersonalOverrides": "false"}
    assert tree == lists | {"recursive": "true"}
    assert folder == lists | {"recursive": "false"}
    assert single == place | flags | {"type": "shared"}


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
