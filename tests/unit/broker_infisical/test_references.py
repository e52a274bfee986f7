"""References that lead nowhere, as a person hears of them; personal overrides, never."""

from collections.abc import Iterator

import pytest

from psi.broker.discovery import noticed
from psi.broker.infisical.outcome import Kind
from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed
from tests.unit.broker_infisical.rich_seed import list_once, shown
from tests.unit.broker_infisical.scripted_server import answer, login, scripted
from tests.unit.broker_infisical.setting import (
    CLIENT_ID,
    CLIENT_SECRET,
    LIST,
    PROJECT_ID,
    Setting,
    config,
    failure_of,
    run,
)

PERSONAL = b'{"secret": {"secretKey": "KEY", "secretValue": "mine", "type": "personal"}}'
LISTED = (
    b'{"secrets": [{"secretKey": "KEY", "secretValue": "mine", "type": "personal"},'
    b'{"secretKey": "KEY", "secretValue": "ours", "type": "shared"}]}'
)


@pytest.fixture(scope="module")
def running() -> Iterator[StandIn]:
    project = ProjectSeed(PROJECT_ID, "myproject")
    project.secrets_at("prod", "/main", GONE="${NOWHERE}", PART="a${NOWHERE}b", GOOD="${OWN}")
    project.secrets_at("prod", "/main", OWN="own", PRICE="$5 {x} ${", ODD="${not a name}")
    project.secrets_at("prod", "/lent", LENT="a${NOWHERE}b", CLEAN="${HERE}", HERE="here")
    project.imports_from("prod", "/main", "prod", "/lent")
    with StandIn(Seed([IdentitySeed(CLIENT_ID, CLIENT_SECRET)], [project])) as server:
        yield server


@pytest.mark.parametrize("recursive", [False, True])
def test_what_a_reference_became_is_told(
    running: StandIn, setting: Setting, *, recursive: bool
) -> None:
    listing = run(list_once(running, setting, "/main", recursive=recursive))
    found = {entry.key: entry for entry in listing.entries}
    assert "a reference that leads nowhere" in shown(found["GONE"])
    assert shown(found["PART"]) == "ab", "Infisical leaves no trace of it"
    assert shown(found["GOOD"]) == "own"
    assert shown(found["LENT"]) == "a${NOWHERE}b", "it is handed on"
    assert "leads nowhere" in (found["LENT"].notice or "")
    assert shown(found["CLEAN"]) == "here"


def test_what_is_no_reference_gets_no_notice(running: StandIn, setting: Setting) -> None:
    listing = run(list_once(running, setting, "/main"))
    noticed_keys = [entry.key for entry in listing.entries if entry.notice is not None]
    assert noticed_keys == ["LENT"]


def test_a_notice_is_no_refusal_and_fits_a_finding(running: StandIn, setting: Setting) -> None:
    listing = run(list_once(running, setting, "/main"))
    (entry,) = (one for one in listing.entries if one.notice is not None)
    finding = noticed(entry, entry.notice or "")
    assert (finding.kind, finding.subject) == ("notice", "LENT")
    assert "correct the reference" in finding.detail
    assert "NOWHERE" not in finding.detail, "of the value itself nothing is told"


def test_personal_overrides_are_refused_by_every_listing(
    running: StandIn, setting: Setting
) -> None:
    running.clear_requests()
    run(list_once(running, setting, "/main"))
    assert {one["query"]["includePersonalOverrides"] for one in running.requests(LIST)} == {"false"}


def test_a_personal_value_in_a_listing_is_left_out(setting: Setting) -> None:
    async def scenario() -> None:
        async with (
            scripted(login(), answer(LISTED)) as server,
            setting.client(config(server.url)) as client,
        ):
            listing = await client.list_folder("myproject", None, "/app", recursive=False)
            assert [shown(entry) for entry in listing.entries] == ["ours"]

    run(scenario())


def test_a_personal_value_in_place_of_the_shared_one_is_foreign(setting: Setting) -> None:
    async def scenario() -> None:
        async with (
            scripted(login(), answer(PERSONAL)) as server,
            setting.client(config(server.url)) as client,
        ):
            error = await failure_of(client.get_secret("myproject", None, "/app", "KEY"))
            assert error.kind is Kind.FOREIGN

    run(scenario())
