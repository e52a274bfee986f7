"""Folders and trees: imports, precedence, and secrets from outside of what was asked (r32)."""

from collections.abc import Iterator

import pytest

from psi.broker.infisical.outcome import Kind
from tests.fakes.infisical.process import StandIn
from tests.unit.broker_infisical.rich_seed import (
    full_seed,
    get_once,
    list_once,
    shown,
)
from tests.unit.broker_infisical.setting import (
    LIST,
    PROJECT_ID,
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


def test_an_import_in_a_tree_stands_at_the_folder_that_has_it(
    stand_in: StandIn, setting: Setting
) -> None:
    entries = run(list_once(stand_in, setting, "/wood", recursive=True)).entries
    found = sorted((one.key, one.path) for one in entries if one.value is not None)
    assert found == [
        ("ASH", "/wood/a"),
        ("AT_A", "/wood/a"),
        ("AT_A", "/wood/b"),
        ("AT_BOTH", "/wood/a"),
        ("AT_BOTH", "/wood/b"),
        ("AT_ROOT", "/wood"),
        ("BOX", "/wood/b"),
        ("FIRST", "/wood"),
        ("OAK", "/wood"),
        ("SAME", "/wood/a"),
        ("TWICE", "/wood/a"),
    ]
    for key, path in found:
        assert run(get_once(stand_in, setting, path, key)), "it can be read where it stands"


def test_an_import_in_an_otherwise_empty_folder_of_a_tree_is_a_problem(
    stand_in: StandIn, setting: Setting
) -> None:
    entries = run(list_once(stand_in, setting, "/wood", recursive=True)).entries
    unplaced = [one for one in entries if one.value is None]
    assert [(one.key, one.path) for one in unplaced] == [("AT_EMPTY", "/wood")]
    assert "name that folder as a source of its own" in shown(unplaced[0])


def test_a_tree_whose_imports_are_its_own_costs_one_more_listing(
    stand_in: StandIn, setting: Setting
) -> None:
    entries = run(list_once(stand_in, setting, "/main", recursive=True)).entries
    assert {one.path for one in entries} == {"/main"}
    assert stand_in.count(SECRETS) == 2


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
