"""When a value may go: two observations, some good source, at most half, unless confirmed (r9)."""

import pytest

from psi.broker.infisical.outcome import UpstreamError
from tests.unit.broker_refresh.rig import (
    DENIED,
    NO_FOLDER,
    NO_MEMBER,
    OUTAGE,
    TEN_MINUTES,
    Rig,
    projection,
    source,
    told,
)

Folder = dict[str, bytes | None]
KEYS: Folder = {"A": b"a", "B": b"b", "C": b"c", "D": b"d"}


def without(*names: str) -> Folder:
    return {name: text for name, text in KEYS.items() if name not in names}


@pytest.fixture
def rig() -> Rig:
    """Two sources of one identity, both read once."""
    made = Rig(projection(source(), source("/other")))
    made.has(dict(KEYS))
    made.has({"X": b"x"}, path="/other")
    made.refresh()
    return made


def test_one_observation_withdraws_nothing_and_is_told(rig: Rig) -> None:
    rig.has(without("A"))
    tally = rig.refresh()
    assert (tally.withdrawn, tally.withdrawing) == (0, 1)
    assert rig.served("A") == b"a", "served meanwhile"
    assert rig.memory.count_going() == 1


def test_a_second_observation_within_ten_minutes_withdraws_nothing(rig: Rig) -> None:
    rig.has(without("A"))
    rig.refresh()
    for _ in range(5):
        rig.clock.advance(TEN_MINUTES / 5 - 1)
        assert rig.refresh().withdrawn == 0
    assert rig.served("A") == b"a"


def test_a_second_observation_after_ten_minutes_withdraws_and_is_audited(rig: Rig) -> None:
    rig.has(without("A"))
    tally = rig.twice()
    assert (tally.withdrawn, tally.withdrawing) == (1, 0)
    assert rig.served("A") is None
    assert rig.names() == {"B", "C", "D", "X"}
    (line,) = rig.audited()
    assert 'secret-withdrawn secret=one:/app#A cause="gone at Infisical"' in line


def test_a_wall_clock_that_jumps_is_no_second_observation(rig: Rig) -> None:
    rig.has(without("A"))
    rig.refresh()
    rig.clock.wall_now += 400 * 86_400
    assert rig.refresh().withdrawn == 0


def test_a_key_that_reappears_begins_anew(rig: Rig) -> None:
    rig.has(without("A"))
    rig.refresh()
    rig.clock.advance(TEN_MINUTES)
    rig.has(dict(KEYS))
    rig.refresh()
    assert rig.memory.count_going() == 0
    rig.has(without("A"))
    assert rig.refresh().withdrawn == 0
    assert rig.served("A") == b"a"


def test_an_outage_between_two_observations_changes_nothing(rig: Rig) -> None:
    rig.has(without("A"))
    rig.refresh()
    rig.clock.advance(TEN_MINUTES)
    rig.has(OUTAGE)
    assert rig.refresh().withdrawn == 0
    rig.has(without("A"))
    assert rig.refresh().withdrawn == 1


def test_half_of_a_source_may_go(rig: Rig) -> None:
    rig.has(without("A", "B"))
    assert rig.twice().withdrawn == 2


def test_more_than_half_stays_without_confirm_and_says_how(rig: Rig) -> None:
    rig.has(without("A", "B", "C"))
    for _ in range(4):
        tally = rig.twice()
        assert tally.withdrawn == 0
        assert "3 of 4 secrets are gone; if so, use --confirm" in told(tally)
    assert rig.served("A") == b"a"


def test_more_than_half_goes_with_confirm_once_seen_twice(rig: Rig) -> None:
    rig.has(without("A", "B", "C"))
    assert rig.refresh(confirm=True).withdrawn == 0
    rig.clock.advance(TEN_MINUTES)
    assert rig.refresh(confirm=True).withdrawn == 3
    assert rig.names() == {"D", "X"}


def test_an_observation_without_confirm_counts_as_the_first(rig: Rig) -> None:
    rig.has({})
    rig.refresh()
    rig.clock.advance(TEN_MINUTES)
    assert rig.refresh(confirm=True).withdrawn == 4


GENUINE = [DENIED, NO_MEMBER, NO_FOLDER]


@pytest.mark.parametrize("fault", GENUINE, ids=str)
def test_a_whole_source_that_is_genuinely_gone_needs_confirm(
    rig: Rig, fault: UpstreamError
) -> None:
    rig.has(fault)
    assert rig.twice().withdrawn == 0
    assert rig.served("A") == b"a"
    assert rig.refresh(confirm=True).withdrawn == 4
    assert rig.names() == {"X"}
    assert len(rig.audited()) == 4


@pytest.mark.parametrize("fault", GENUINE, ids=str)
def test_nothing_goes_while_all_sources_of_an_identity_fail_not_even_confirmed(
    rig: Rig, fault: UpstreamError
) -> None:
    rig.has(fault)
    rig.has(fault, path="/other")
    for _ in range(3):
        tally = rig.twice(confirm=True)
        assert (tally.withdrawn, tally.withdrawing) == (0, 0)
        assert "every source of its identity fails at once" in told(tally)
    assert rig.served("A") == b"a"


def test_an_outage_of_the_other_source_is_no_sign_that_the_identity_is_well(rig: Rig) -> None:
    rig.has(DENIED)
    rig.has(OUTAGE, path="/other")
    assert rig.twice(confirm=True).withdrawn == 0
    assert rig.served("A") == b"a"


def test_an_empty_source_of_an_identity_shows_that_it_is_well(rig: Rig) -> None:
    rig.has(NO_FOLDER)
    rig.has({"Y": b"y", "X": b"x"}, path="/other")
    assert rig.twice(confirm=True).withdrawn == 4


def test_another_identitys_health_says_nothing_of_this_one() -> None:
    rig = Rig(projection(source(), source("/app", "two"), own=("two",)))
    rig.has(dict(KEYS))
    rig.has(dict(KEYS), project="two")
    rig.refresh()
    rig.has(DENIED, project="two")
    tally = rig.twice(confirm=True)
    assert tally.withdrawn == 0
    assert rig.served("A", project="two") == b"a"
    assert "two:/app: nothing is withdrawn" in told(tally)


def test_a_key_that_another_source_still_has_stays() -> None:
    rig = Rig(projection(source("/", recursive=True), source("/x")))
    rig.has({"B": b"b", "C": b"c"}, path="/")
    rig.has({"A": b"a"}, path="/x")
    rig.refresh()
    rig.upstream.shallow = True
    assert rig.twice().withdrawn == 0
    assert rig.served("A", "/x") == b"a"
