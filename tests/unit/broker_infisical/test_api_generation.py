"""A server without v4 is served by v3 raw; found out by a listing, and never by a deletion."""

import pytest

from psi.broker.infisical.api_generation import PROBE_SECONDS
from psi.broker.infisical.client import InfisicalClient
from psi.broker.infisical.outcome import Kind
from tests.fakes.infisical.process import StandIn
from tests.unit.broker_infisical.setting import (
    CLIENT_ID,
    PROJECT_ID,
    Setting,
    config,
    failure_of,
    get_key,
    run,
)

V4 = "^/api/v4/"
V3_LIST = "^/api/v3/secrets/raw$"
V3_SINGLE = "^/api/v3/secrets/raw/"
EITHER = "^/api/v[34]/"


def be_old(stand_in: StandIn) -> None:
    """Have the stand-in know no route of v4, as servers before it."""
    stand_in.fault("foreign_404", V4, form="route")


async def list_app(client: InfisicalClient) -> list[str]:
    listing = await client.list_folder("myproject", None, "/app", recursive=False)
    return [entry.key for entry in listing.entries]


def test_before_the_first_answer_nothing_is_known(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            assert client.api() == "unknown"

    run(scenario())


def test_a_server_with_v4_is_never_asked_for_v3(stand_in: StandIn, setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            await get_key(client)
            await list_app(client)
            assert client.api() == "v4"

    run(scenario())
    assert stand_in.count("^/api/v3/") == 0


def test_an_older_server_is_served_by_v3_after_one_probe(
    stand_in: StandIn, setting: Setting
) -> None:
    be_old(stand_in)

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            assert await list_app(client) == ["KEY"]
            assert await list_app(client) == ["KEY"]
            assert await get_key(client) == b"value"
            assert client.api() == "v3"

    run(scenario())
    counts = [stand_in.count(path) for path in (V4, V3_LIST, V3_SINGLE)]
    assert counts == [1, 2, 1]


def test_a_single_secret_of_an_older_server_is_found_out_by_a_listing(
    stand_in: StandIn, setting: Setting
) -> None:
    be_old(stand_in)

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            assert await get_key(client) == b"value"
            assert client.api() == "v3"

    run(scenario())
    assert (stand_in.count(V3_LIST), stand_in.count(V3_SINGLE)) == (1, 0)


def test_a_role_of_an_older_server_that_may_not_list_still_reads(
    stand_in: StandIn, setting: Setting
) -> None:
    be_old(stand_in)
    stand_in.control("POST", "identity", {"client_id": CLIENT_ID, "role": "list-denied"})

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            assert await get_key(client) == b"value"

    run(scenario())
    assert stand_in.count(V3_SINGLE) == 1


def test_the_older_api_is_asked_for_everything_explicitly(
    stand_in: StandIn, setting: Setting
) -> None:
    be_old(stand_in)

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            await list_app(client)

    run(scenario())
    (asked,) = stand_in.requests(V3_LIST)
    assert asked["query"] == {
        "workspaceId": PROJECT_ID,
        "environment": "prod",
        "secretPath": "/app",
        "viewSecretValue": "true",
        "expandSecretReferences": "true",
        "includeImports": "true",
        "include_imports": "true",
        "recursive": "false",
        "includePersonalOverrides": "false",
    }


def test_a_foreign_404_of_both_is_foreign_and_no_deletion(
    stand_in: StandIn, setting: Setting
) -> None:
    stand_in.fault("foreign_404", EITHER)

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            for work in (get_key(client), list_app(client)):
                error = await failure_of(work)
                assert (error.kind, error.permission) == (Kind.FOREIGN, False)
                assert "a 404 without a reqId" in str(error)
            assert client.api() == "unknown"

    run(scenario())


def test_a_genuine_404_of_the_older_api_is_a_deletion(stand_in: StandIn, setting: Setting) -> None:
    be_old(stand_in)

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            ask = client.list_folder("myproject", None, "/gone", recursive=False)
            assert (await failure_of(ask)).kind is Kind.ABSENT
            assert client.api() == "v3"

    run(scenario())


def test_a_proxys_404_before_a_server_that_has_shown_v4_is_foreign_at_once(
    stand_in: StandIn, setting: Setting
) -> None:
    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            await get_key(client)
            be_old(stand_in)
            assert (await failure_of(get_key(client))).kind is Kind.FOREIGN
            assert client.api() == "v4"

    run(scenario())
    assert stand_in.count("^/api/v3/") == 0


def test_after_an_hour_an_upgraded_server_is_noticed(stand_in: StandIn, setting: Setting) -> None:
    be_old(stand_in)

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            await list_app(client)
            stand_in.clear_faults()
            setting.clock.advance(PROBE_SECONDS - 1)
            await list_app(client)
            assert client.api() == "v3"
            setting.clock.advance(2)
            await list_app(client)
            assert client.api() == "v4"

    run(scenario())


def test_a_server_that_drops_the_older_api_is_asked_for_v4_at_once(
    stand_in: StandIn, setting: Setting
) -> None:
    be_old(stand_in)

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            await list_app(client)
            stand_in.clear_faults()
            stand_in.fault("foreign_404", "^/api/v3/", form="route")
            assert await get_key(client) == b"value"
            assert client.api() == "v4"

    run(scenario())


@pytest.mark.parametrize("status", [401, 429])
def test_what_comes_before_the_route_settles_nothing(
    stand_in: StandIn, setting: Setting, status: int
) -> None:
    stand_in.fault("status", V4, status=status)

    async def scenario() -> None:
        async with setting.client(config(stand_in.url)) as client:
            await failure_of(list_app(client))
            assert client.api() == "unknown"

    run(scenario())
