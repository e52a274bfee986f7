"""Ages across a restart: whatever the clocks do, nothing grows old or young for good (r24)."""

import pytest

from psi.broker.cache import CacheEntry, CacheKey, MemoryCache
from psi.broker.cache_payload import decode_payload, encode_payload
from psi.broker.envelope import DamagedEnvelope
from psi.shared.secret import SecretBytes
from tests.unit.broker_cache.rig import HandClock, key, value

DAY = 86_400.0
STALE = DAY


def restarted(memory: MemoryCache, clock: HandClock, *, boot: float, wall: float) -> MemoryCache:
    """Return what a start at these times makes of the file that was written at the clock's."""
    blob = encode_payload(memory.snapshot(), 1, clock)
    clock.boot_now, clock.wall_now = boot, wall
    fresh = MemoryCache(clock, STALE)
    fresh.merge(decode_payload(blob, 1, clock).entries)
    return fresh


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def memory(clock: HandClock) -> MemoryCache:
    made = MemoryCache(clock, STALE)
    made.put(key("A"), value("a"))
    return made


def test_what_goes_in_comes_out(memory: MemoryCache, clock: HandClock) -> None:
    content = decode_payload(encode_payload(memory.snapshot(), 4, clock), 4, clock)
    assert content.generation == 4
    assert content.written_at == content.contact == clock.wall_now
    ((name, entry),) = content.entries
    assert (name, entry.value, entry.gone) == (key("A"), value("a"), None)


def test_another_generation_inside_is_damage(memory: MemoryCache, clock: HandClock) -> None:
    blob = encode_payload(memory.snapshot(), 4, clock)
    with pytest.raises(DamagedEnvelope, match="different generations"):
        decode_payload(blob, 5, clock)


@pytest.mark.parametrize("content", [b"", b"\x90", b"\xc1", b"[" * 9000, b"\xd9\x01\xff"])
def test_a_content_that_is_no_cache_is_damage(content: bytes, clock: HandClock) -> None:
    with pytest.raises(DamagedEnvelope, match="not a cache"):
        decode_payload(content, 1, clock)


def test_a_key_of_any_length_does_not_lose_the_others(clock: HandClock) -> None:
    """A name from Infisical has no bound of ours: it must not make the file unreadable."""
    memory = MemoryCache(clock)
    memory.put(key("K" * 70_000), value("long"))
    memory.put(CacheKey("p" * 9000, "e" * 9000, "/" * 9000, "A"), value("a"))
    content = decode_payload(encode_payload(memory.snapshot(), 1, clock), 1, clock)
    assert len(content.entries) == 2


def test_an_age_goes_on_over_a_reboot(memory: MemoryCache, clock: HandClock) -> None:
    later = clock.wall_now + DAY - 1
    fresh = restarted(memory, clock, boot=30.0, wall=later)
    assert fresh.get(key("A")) == value("a")
    clock.advance(2)
    assert fresh.get(key("A")) is None
    assert fresh.is_stale(key("A"))


def test_an_age_counts_on_the_boot_clock_while_the_process_runs(
    memory: MemoryCache, clock: HandClock
) -> None:
    clock.wall_now += 400 * DAY
    assert memory.get(key("A")) == value("a"), "a wall clock that jumps ages nothing"
    clock.boot_now += DAY + 1
    assert memory.get(key("A")) is None


def test_a_wall_clock_that_went_back_makes_young_and_never_negative(
    memory: MemoryCache, clock: HandClock
) -> None:
    fresh = restarted(memory, clock, boot=30.0, wall=0.0)
    assert fresh.get(key("A")) == value("a")
    entry = fresh.entry(key("A"))
    assert entry is not None
    assert entry.contact == 30.0


def test_a_wall_clock_ahead_refuses_and_ntp_brings_it_back(
    memory: MemoryCache, clock: HandClock
) -> None:
    right = clock.wall_now + 60
    fresh = restarted(memory, clock, boot=30.0, wall=right + 3650 * DAY)
    assert fresh.is_stale(key("A"))
    assert len(fresh) == 1, "refused, not deleted"
    clock.wall_now = right
    assert fresh.get(key("A")) == value("a")


def test_a_clock_that_was_wrong_once_is_not_written_down(
    memory: MemoryCache, clock: HandClock
) -> None:
    """The file keeps the time of the last contact as it was, not as a wrong clock made it."""
    right = clock.wall_now
    fresh = restarted(memory, clock, boot=30.0, wall=right + 3650 * DAY)
    again = restarted(fresh, clock, boot=30.0, wall=right + 120)
    assert again.get(key("A")) == value("a")
    early = restarted(again, clock, boot=30.0, wall=0.0)
    late = restarted(early, clock, boot=30.0, wall=right + DAY + 5)
    assert late.is_stale(key("A")), "nor made young by one"


def test_a_contact_makes_young_by_the_clock_of_now(memory: MemoryCache, clock: HandClock) -> None:
    fresh = restarted(memory, clock, boot=30.0, wall=clock.wall_now + 5 * DAY)
    assert fresh.is_stale(key("A"))
    fresh.put(key("A"), value("a"))
    assert fresh.get(key("A")) == value("a")
    clock.wall_now += 400 * DAY
    assert fresh.get(key("A")) == value("a")


def test_a_first_observation_outlives_a_restart_but_its_wait_begins_anew(
    memory: MemoryCache, clock: HandClock
) -> None:
    assert memory.note_gone(key("A")) == 0
    clock.advance(599)
    assert memory.note_gone(key("A")) == 599
    fresh = restarted(memory, clock, boot=30.0, wall=clock.wall_now + 400 * DAY)
    assert fresh.count_going() == 1
    assert fresh.note_gone(key("A")) == 0
    clock.boot_now += 600
    assert fresh.note_gone(key("A")) == 600


def test_removed_keys_come_with_the_file(memory: MemoryCache, clock: HandClock) -> None:
    blob = encode_payload(memory.snapshot(), 1, clock, [key("B")])
    assert decode_payload(blob, 1, clock).removed == [key("B")]


def test_a_value_is_in_no_repr_of_what_was_read(memory: MemoryCache, clock: HandClock) -> None:
    memory.put(key("C"), SecretBytes(b"canary-value"))
    content = decode_payload(encode_payload(memory.snapshot(), 1, clock), 1, clock)
    assert "canary" not in repr(content)
    assert isinstance(content.entries[0][1], CacheEntry)
