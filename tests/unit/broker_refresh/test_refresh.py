"""What a refresh brings, and that one source's failure costs no other's (r9)."""

import pytest

from psi.broker.infisical.listing import Entry
from psi.broker.infisical.outcome import UpstreamError
from psi.shared.projection import Source
from psi.shared.secret import SecretBytes
from tests.unit.broker_refresh.rig import (
    DENIED,
    HARMLESS,
    NO_FOLDER,
    OUTAGE,
    TEN_MINUTES,
    Rig,
    key,
    projection,
    source,
    told,
    with_allow,
)

KEYS: dict[str, bytes | None] = {"A": b"a", "B": b"b", "C": b"c", "D": b"d"}


def filled(*sources: Source) -> Rig:
    """Return a rig whose ``/app`` was read once."""
    rig = Rig(projection(*(sources or (source(),))))
    rig.has(dict(KEYS))
    rig.refresh()
    return rig


def test_new_and_changed_and_equal_values_are_told_apart() -> None:
    rig = filled()
    rig.has({**KEYS, "A": b"other", "E": b"e"})
    tally = rig.refresh()
    assert (tally.sources, tally.failed) == (1, 0)
    assert (tally.added, tally.changed, tally.unchanged) == (1, 1, 3)
    assert rig.served("A") == b"other"
    assert rig.served("E") == b"e"
    assert tally.findings == []


def test_a_source_of_two_workloads_is_listed_once() -> None:
    rig = filled(source(), source())
    assert rig.upstream.listed == [("one", "/app")]


def test_a_recursive_source_keeps_each_path_of_its_tree() -> None:
    rig = Rig(projection(source("/", recursive=True)))
    rig.has({"A": b"root"}, path="/")
    rig.has({"A": b"deep"}, path="/x/y")
    assert rig.refresh().added == 2
    assert rig.served("A", "/") == b"root"
    assert rig.served("A", "/x/y") == b"deep"


@pytest.mark.parametrize("fault", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_says_nothing_of_a_secret_keeps_it_for_ever(fault: UpstreamError) -> None:
    rig = filled()
    rig.has(fault)
    for _ in range(5):
        tally = rig.refresh(confirm=True)
        rig.clock.advance(TEN_MINUTES)
        assert (tally.failed, tally.withdrawn, tally.withdrawing) == (1, 0, 0)
        assert fault.detail in told(tally)
    assert rig.served("A") == b"a"
    assert rig.memory.count_going() == 0
    assert rig.audited() == []


@pytest.mark.parametrize("fault", [OUTAGE, DENIED, NO_FOLDER], ids=str)
def test_one_sources_failure_loses_no_others(fault: UpstreamError) -> None:
    rig = Rig(projection(source(), source("/other"), source("/", "two")))
    rig.has(fault)
    rig.has({"X": b"x"}, path="/other")
    rig.has({"Y": b"y"}, project="two", path="/")
    tally = rig.refresh()
    assert (tally.sources, tally.failed, tally.added) == (3, 1, 2)
    assert rig.served("X", "/other") == b"x"
    assert rig.served("Y", "/", "two") == b"y"


def test_a_masked_value_keeps_the_old_one_and_is_told() -> None:
    rig = filled()
    rig.has({**KEYS, "A": None})
    tally = rig.twice()
    assert rig.served("A") == b"a"
    assert (tally.withdrawn, tally.withdrawing) == (0, 0)
    assert "one:/app#A: not cached: its value is masked" in told(tally)


def test_a_new_masked_value_is_not_kept() -> None:
    rig = filled()
    rig.has({**KEYS, "E": None})
    rig.refresh()
    assert rig.served("E") is None


def test_a_masked_value_between_two_observations_begins_them_anew() -> None:
    rig = filled()
    gone = {name: text for name, text in KEYS.items() if name != "A"}
    rig.has(gone)
    rig.refresh()
    rig.clock.advance(TEN_MINUTES)
    rig.has({**KEYS, "A": None})
    rig.refresh()
    rig.has(gone)
    assert rig.refresh().withdrawn == 0, "it was there a moment ago"
    assert rig.served("A") == b"a"


def test_an_import_of_unknown_place_keeps_what_is_kept_below() -> None:
    """A recursive listing does not say which empty folder imports a key."""
    rig = Rig(projection(source("/", recursive=True)))
    rig.has({"A": b"a"}, path="/x")
    rig.has({"B": b"b"}, path="/y")
    rig.refresh()
    rig.has({}, path="/x")
    rig.upstream.extra = [Entry("A", "/", None, "an import in a folder below brings it")]
    assert rig.twice().withdrawn == 0
    assert rig.served("A", "/x") == b"a"


def test_a_workload_that_left_the_configuration_leaves_the_cache() -> None:
    rig = Rig(projection(source(), source("/other")))
    rig.has(dict(KEYS))
    rig.has({"X": b"x"}, path="/other")
    rig.refresh()
    rig.configure(projection(source("/other")))
    assert rig.refresh().withdrawn == 4
    assert rig.names() == {"X"}
    assert len(rig.audited()) == 4
    assert all('cause="not configured any more"' in line for line in rig.audited())


def test_a_project_that_changed_its_environment_leaves_nothing_of_the_old_one() -> None:
    rig = filled()
    rig.memory.put(key("OLD")._replace(environment="dev"), rig.memory.snapshot()[0][1].value)
    assert rig.refresh().withdrawn == 1
    assert rig.names() == set(KEYS)


def test_a_role_that_may_not_list_is_read_one_by_one() -> None:
    """Only what is kept: its values are renewed, and one that is gone is seen to be (r19)."""
    rig = filled()
    rig.has(DENIED)
    for name, text in KEYS.items():
        rig.upstream.singles["one", "/app", name] = text
    rig.upstream.singles["one", "/app", "A"] = b"newer"
    tally = rig.refresh()
    assert (tally.failed, tally.withdrawing) == (0, 0)
    assert rig.served("A") == b"newer"
    assert "may not be listed; read one by one" in told(tally)
    rig.upstream.singles["one", "/app", "B"] = NO_FOLDER
    assert rig.twice().withdrawn == 1
    assert rig.names() == {"A", "C", "D"}


def test_a_role_that_may_read_nothing_is_asked_for_one_key_and_no_more() -> None:
    rig = filled(source(), source("/other"))
    rig.has({"X": b"x"}, path="/other")
    rig.has(DENIED)
    for name in KEYS:
        rig.upstream.singles["one", "/app", name] = DENIED
    tally = rig.refresh()
    assert rig.upstream.read == [("one", "/app", "A")]
    assert tally.failed == 1
    assert rig.names() == {*KEYS, "X"}


def test_kept_keys_of_allow_are_read_one_by_one() -> None:
    rig = Rig(with_allow(projection(source()), "S", "T", "NEVER_ASKED"))
    rig.has(dict(KEYS))
    rig.has({"S": b"s", "T": b"t"}, path="/shared")
    for name in ("S", "T"):
        rig.memory.put(key(name, "/shared"), SecretBytes(b"old"))
    tally = rig.refresh()
    assert tally.changed == 2
    assert rig.served("S", "/shared") == b"s"
    assert sorted(rig.upstream.read) == [("one", "/shared", "S"), ("one", "/shared", "T")]


@pytest.mark.parametrize("fault", HARMLESS.values(), ids=HARMLESS.keys())
def test_a_key_of_allow_outlives_what_says_nothing_of_it(fault: UpstreamError) -> None:
    rig = Rig(with_allow(projection(source()), "S", "T"))
    rig.has(dict(KEYS))
    for name in ("S", "T"):
        rig.memory.put(key(name, "/shared"), SecretBytes(b"old"))
    rig.has({"S": b"s"}, path="/shared")
    rig.upstream.singles["one", "/shared", "T"] = fault
    assert rig.twice(confirm=True).withdrawn == 0
    assert rig.served("T", "/shared") == b"old"


def test_a_key_of_allow_that_is_gone_goes() -> None:
    rig = Rig(with_allow(projection(source()), "S", "T"))
    rig.has(dict(KEYS))
    for name in ("S", "T"):
        rig.memory.put(key(name, "/shared"), SecretBytes(b"old"))
    rig.has({"S": b"s"}, path="/shared")
    assert rig.twice().withdrawn == 1
    assert rig.served("S", "/shared") == b"s"
    assert rig.served("T", "/shared") is None
