"""``max_stale``: refuses to serve what is too old, and deletes nothing for it (r24)."""

import asyncio
from pathlib import Path

import pytest

from psi.broker.mapping import Coordinate
from psi.broker.policy import Policy
from psi.broker.sealed_store import SealedStore
from psi.broker.values import Values
from psi.shared.errors import Refusal
from psi.shared.log import Log
from psi.shared.messages.broker import BrokerError
from psi.shared.processes import Process
from tests.unit.broker_refresh.rig import (
    LIMITS,
    NO_FOLDER,
    OUTAGE,
    TEN_MINUTES,
    Rig,
    key,
    projection,
    run,
    source,
)

DAY = 86_400
TARGET = Coordinate("one", "/app", "A")


@pytest.fixture
def rig() -> Rig:
    made = Rig(projection(source(), source("/other")), stale=DAY)
    made.has({"A": b"a", "B": b"b"})
    made.has({"X": b"x"}, path="/other")
    made.refresh()
    return made


def values_of(rig: Rig) -> Values:
    log = Log(Process.BROKER)
    sealed = SealedStore(Path("/nonexistent"), None, LIMITS, rig.clock, log)
    projects = rig.config.infisical.projects
    return Values(projects, Policy(rig.config), rig.memory, rig.upstream, sealed, LIMITS)


def refusal(rig: Rig) -> Refusal:
    async def ask() -> Refusal:
        with pytest.raises(Refusal) as caught:
            await values_of(rig).fetch(TARGET)
        return caught.value

    return run(ask())


def test_a_value_is_served_until_its_last_good_contact_is_too_old(rig: Rig) -> None:
    values = values_of(rig)
    rig.clock.advance(DAY)
    cached = values.cached(TARGET)
    assert cached is not None
    assert cached.reveal() == b"a"
    rig.clock.advance(1)
    assert values.cached(TARGET) is None


def test_it_is_refused_with_both_causes_while_infisical_is_away_and_not_deleted(rig: Rig) -> None:
    rig.clock.advance(DAY + 1)
    rig.has(OUTAGE)
    refused = refusal(rig)
    assert refused.code == BrokerError.STALE
    assert "older than max_stale" in refused.detail
    assert "the connection is refused" in refused.detail
    rig.refresh(confirm=True)
    rig.clock.advance(400 * DAY)
    rig.refresh(confirm=True)
    assert rig.memory.count_stale() == 3 - 1, "the other source was read again"
    assert rig.memory.entry(key("A")) is not None


def test_a_lookup_of_what_is_too_old_goes_live_and_makes_it_young(rig: Rig) -> None:
    rig.clock.advance(DAY + 1)
    rig.has({"A": b"newer", "B": b"b"})

    async def ask() -> bytes:
        values = values_of(rig)
        return (await values.fetch(TARGET)).reveal()

    assert run(ask()) == b"newer"
    assert rig.served("A") == b"newer"


def test_a_good_contact_makes_all_that_it_saw_young(rig: Rig) -> None:
    rig.clock.advance(DAY + 1)
    assert rig.memory.count_stale() == 3
    rig.refresh()
    assert rig.memory.count_stale() == 0
    assert rig.served("A") == b"a"


def test_what_is_too_old_is_deleted_by_a_good_contact_alone_and_by_its_rules(rig: Rig) -> None:
    rig.clock.advance(DAY + 1)
    rig.has({"B": b"b"})
    assert rig.refresh().withdrawn == 0
    rig.clock.advance(TEN_MINUTES)
    assert rig.refresh().withdrawn == 1
    assert rig.names() == {"B", "X"}


def test_a_source_that_is_gone_as_a_whole_stays_too_old_and_kept(rig: Rig) -> None:
    rig.clock.advance(DAY + 1)
    rig.has(NO_FOLDER)
    rig.twice()
    assert rig.memory.entry(key("A")) is not None
    assert rig.served("A") is None


@pytest.mark.parametrize("jump", [-400 * DAY, 400 * DAY])
def test_a_wall_clock_that_jumps_ages_and_deletes_nothing(rig: Rig, jump: float) -> None:
    """A bad RTC, or the NTP step that corrects it."""
    rig.clock.wall_now += jump
    assert rig.served("A") == b"a"
    rig.has(OUTAGE)
    rig.has(OUTAGE, path="/other")
    rig.twice(confirm=True)
    assert rig.names() == {"A", "B", "X"}
    assert rig.served("A") == b"a"


def test_without_max_stale_nothing_is_too_old() -> None:
    rig = Rig(projection(source()))
    rig.has({"A": b"a"})
    rig.refresh()
    rig.clock.advance(4000 * DAY)
    assert rig.served("A") == b"a"
    assert asyncio.run(_cached(rig))


async def _cached(rig: Rig) -> bool:
    return values_of(rig).cached(TARGET) is not None
