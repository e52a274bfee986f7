"""Writing: bursts are one write, removals are on disk first, the last write needs no one."""

import asyncio
from pathlib import Path

import pytest

from psi.broker.cache import CacheEntry, CacheKey
from psi.broker.cache_file import CacheFile
from psi.shared.messages.broker import BrokerError
from psi.shared.messages.sealer import SealerError, WrapKey
from tests.fakes.sealer_stub.stub import SealerStub, sealer_stub
from tests.unit.broker_cache.rig import (
    QUICK,
    Rig,
    changed,
    key,
    names_on_disk,
    on_disk,
    one,
    refusal_of,
    rig,
    run,
    until,
    value,
)

SLOW = changed(QUICK, cache_write_seconds=3600)
"""Additions are never written by themselves."""


def test_a_thousand_misses_into_ten_thousand_entries_are_at_most_five_writes(folder: Path) -> None:
    async def scenario() -> None:
        limits = changed(QUICK, cache_write_seconds=1)
        async with one(folder, limits=limits) as made:
            for number in range(10_000):
                made.memory.put(key(f"OLD_{number}"), value("x" * 100))
            await made.writer.flush()
            before = made.writer.writes
            for number in range(1000):
                made.memory.put(key(f"NEW_{number}"), value("y" * 100))
                await asyncio.sleep(0)
            await made.written()
            assert 1 <= made.writer.writes - before <= 5
            assert len((await on_disk(made)).entries) == 11_000

    run(scenario())


def test_a_burst_is_one_write(folder: Path) -> None:
    async def scenario() -> None:
        async with one(folder, limits=changed(QUICK, cache_write_seconds=0.5)) as made:
            await until(lambda: made.writer._ahead is not None)
            for number in range(40):
                made.put(f"K{number}")
                await asyncio.sleep(0)
            await made.written()
            assert made.writer.writes == 1
            assert made.loader.generation == 1
            made.put("LATER")
            await made.written()
            assert (made.writer.writes, made.loader.generation) == (2, 2)

    run(scenario())


def test_each_file_has_a_key_of_its_own_that_is_not_in_it(folder: Path) -> None:
    async def scenario() -> None:
        async with one(folder) as made:
            files = []
            for name in ("A", "B", "C"):
                made.put(name)
                await made.written()
                files.append(made.file.read_bytes())
            seen = made.stub.seen
            assert len(set(seen)) == len(seen) >= 4
            assert not any(each in file for each in seen for file in files)

    run(scenario())


def test_a_removal_is_on_disk_when_it_returns(folder: Path) -> None:
    async def scenario() -> None:
        async with one(folder, limits=SLOW) as made:
            made.put("A", "B")
            await made.writer.flush()
            assert await made.keeper.remove([key("A"), key("NO")]) == 1
            assert await names_on_disk(made) == {"B"}
            assert made.writer.writes == 2
            assert await made.keeper.remove([key("NO")]) == 0
            assert made.writer.writes == 2, "nothing to remove, nothing written"

    run(scenario())


def test_a_removal_during_a_write_is_on_disk_when_it_returns(folder: Path) -> None:
    """Wherever in a write it comes; the snapshot of that write may still have it."""

    async def scenario() -> None:
        async with one(folder, limits=SLOW) as made:
            for turns in range(12):
                made.put("A", "B")
                write = asyncio.create_task(made.writer.flush())
                for _ in range(turns):
                    await asyncio.sleep(0)
                await made.keeper.remove([key("A")])
                assert await names_on_disk(made) == {"B"}
                await write
                assert await names_on_disk(made) == {"B"}

    run(scenario())


class Disk:
    """Refuses every write while ``full``, and notes how many are under way at once."""

    def __init__(self, made: Rig) -> None:
        self.full = False
        self.overlaps = 0
        self._inside = 0
        self._file: CacheFile = made.writer._file
        made.writer._file = self  # type: ignore[assignment]  # a disk between writer and file

    def kept(self) -> list[str]:
        return self._file.kept()

    def read(self, name: str = "cache.enc") -> bytes | None:
        return self._file.read(name)

    def write(self, blob: bytes) -> None:
        self._inside += 1
        self.overlaps = max(self.overlaps, self._inside)
        try:
            if self.full:
                raise OSError(28, "No space left on device")
            self._file.write(blob)
        finally:
            self._inside -= 1


def test_a_removal_that_the_disk_refuses_is_not_acknowledged_and_a_second_try_does_it(
    folder: Path,
) -> None:
    async def scenario() -> None:
        async with one(folder, limits=SLOW) as made:
            made.put("A", "B")
            await made.writer.flush()
            disk = Disk(made)
            disk.full = True
            refusal = await refusal_of(made.keeper.remove([key("A")]))
            assert refusal.code == BrokerError.FULL
            assert "No space left" in refusal.detail
            assert await names_on_disk(made) == {"A", "B"}
            assert made.memory.get(key("A")) is None, "but served no more"
            refusal = await refusal_of(made.keeper.remove([key("A")]))
            assert refusal.code == BrokerError.FULL, "although memory has it not"
            disk.full = False
            assert await made.keeper.remove([key("A")]) == 0
            assert await names_on_disk(made) == {"B"}

    run(scenario())


def test_a_full_disk_keeps_the_old_file_and_is_tried_again(folder: Path) -> None:
    async def scenario() -> None:
        async with one(folder) as made:
            made.put("A")
            await made.written()
            before = made.file.read_bytes()
            disk = Disk(made)
            disk.full = True
            made.put("B")
            await until(lambda: made.writer.detail)
            assert made.writer.detail == "cache.enc cannot be written: No space left on device"
            assert made.file.read_bytes() == before
            assert made.writer.pending
            disk.full = False
            await made.written()
            assert made.writer.detail == ""
            assert await names_on_disk(made) == {"A", "B"}

    run(scenario())


def test_two_writes_never_overlap_even_where_a_caller_is_cancelled(folder: Path) -> None:
    async def scenario() -> None:
        async with one(folder, limits=SLOW) as made:
            disk = Disk(made)
            for number in range(60):
                made.put(*(f"K{number}_{i}" for i in range(20)), "GONE")
                tasks = [asyncio.create_task(made.writer.flush()) for _ in range(3)]
                tasks.append(asyncio.create_task(_remove(made, key("GONE"))))
                for _ in range(number % 7):
                    await asyncio.sleep(0)
                tasks[number % 4].cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            await made.keeper.remove([key("GONE")])
            await made.writer.flush(force=True)
            assert disk.overlaps == 1
            assert await names_on_disk(made) == made.names()
            assert "GONE" not in made.names()

    run(scenario())


async def _remove(made: Rig, removed: CacheKey) -> None:
    await made.keeper.remove([removed])


def test_the_last_write_needs_no_sealer(folder: Path) -> None:
    async def scenario() -> None:
        async with (
            sealer_stub(folder / "sealer.sock") as stub,
            rig(folder, stub, limits=SLOW) as made,
        ):
            await made.loaded()
            await until(lambda: made.writer._ahead is not None)
            made.put("A")
            await stub.leave()
            await made.keeper.close()
            await stub.arrive()
            assert await names_on_disk(made) == {"A"}

    run(scenario())


def test_the_last_write_follows_one_that_is_under_way(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "sealer.sock") as stub:
            for turns in range(10):
                limits = changed(QUICK, cache_write_seconds=0.001)
                async with rig(folder, stub, limits=limits) as made:
                    await made.loaded()
                    made.put(f"FIRST_{turns}")
                    for _ in range(turns * 3):
                        await asyncio.sleep(0)
                    made.put(f"LAST_{turns}")
                    await made.keeper.close()
                    assert await names_on_disk(made) == made.names()

    run(scenario())


def test_a_shutdown_that_cannot_write_says_so_in_time(folder: Path) -> None:
    async def scenario() -> None:
        async with one(folder, limits=changed(SLOW, drain_seconds=0.1)) as made:
            made.put("A")
            await made.writer.flush()  # takes the key at hand
            made.put("B")
            made.writer._ahead = None
            made.stub.hang()
            with pytest.raises(TimeoutError):
                await made.keeper.close()

    run(scenario())


def test_a_shutdown_before_the_file_was_loaded_writes_nothing(folder: Path) -> None:
    async def scenario() -> None:
        async with one(folder) as earlier:
            earlier.put("A")
            await earlier.written()
            before = earlier.file.read_bytes()
        async with sealer_stub(folder / "sealer.sock") as stub:
            stub.refuses = SealerError.DEVICE_UNAVAILABLE
            async with rig(folder, stub) as made:
                await made.keeper.settled()
                made.put("B")
                await made.keeper.close()
                assert made.file.read_bytes() == before

    run(scenario())


def test_an_addition_waits_for_a_sealer_that_is_unwell_and_is_written_then(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "sealer.sock") as stub:
            stub.refuses = SealerError.UNPROVISIONED
            async with rig(folder, stub) as made:
                await made.loaded()
                made.put("A")
                await until(lambda: made.writer.detail)
                assert "the stub says unprovisioned" in made.writer.detail
                assert made.memory.get(key("A")) == value("value of A")
                assert not made.file.exists()
                stub.refuses = None
                await made.written()
                assert await names_on_disk(made) == {"A"}
                assert made.writer.detail == ""

    run(scenario())


def test_a_removal_with_the_sealer_away_uses_the_key_at_hand(folder: Path) -> None:
    async def scenario() -> None:
        async with one(folder, limits=SLOW) as made:
            made.put("A", "B")
            await made.writer.flush()
            await made.writer._prepare()
            await made.stub.leave()
            assert await made.keeper.remove([key("A")]) == 1
            refusal = await refusal_of(made.keeper.remove([key("B")]))
            assert refusal.code == BrokerError.SEALER, "there was one key"
            await made.stub.arrive()
            assert await names_on_disk(made) == {"B"}

    run(scenario())


async def _forced(stub: SealerStub, made: Rig) -> None:
    """Have the sealer provisioned anew, as psictl cache init --force does."""
    await made.written()
    stub.become_another()


def test_after_a_new_provisioning_the_file_is_written_with_the_new_key(folder: Path) -> None:
    async def scenario() -> None:
        async with one(folder) as made:
            made.put("A")
            await _forced(made.stub, made)
            await made.keeper.refreshed(contact=False)
            await made.written()
            assert await names_on_disk(made) == {"A"}
            made.put("B")
            await made.written()
            assert await names_on_disk(made) == {"A", "B"}

    run(scenario())


def test_a_recheck_of_a_file_that_opens_writes_nothing(folder: Path) -> None:
    async def scenario() -> None:
        async with one(folder) as made:
            made.put("A")
            await made.written()
            wraps = made.stub.asked.count(WrapKey)
            await made.keeper.refreshed(contact=False)
            assert made.writer.writes == 1
            assert not made.writer.pending
            assert made.stub.asked.count(WrapKey) == wraps + 1

    run(scenario())


def test_a_refresh_that_reached_infisical_writes_the_new_ages(folder: Path) -> None:
    async def scenario() -> None:
        async with one(folder) as made:
            made.put("A", "B")
            await made.written()
            made.clock.advance(3600)
            made.put("A")
            await made.written()
            made.clock.advance(1)
            made.put("B")
            await made.keeper.refreshed(contact=True)
            await made.written()
            assert (await on_disk(made)).contact == made.clock.wall()

    run(scenario())


def test_a_file_that_was_damaged_since_is_written_anew(folder: Path) -> None:
    async def scenario() -> None:
        async with one(folder) as made:
            made.put("A")
            await made.written()
            made.file.write_bytes(b"damaged")
            await made.keeper.refreshed(contact=False)
            await made.written()
            assert await names_on_disk(made) == {"A"}

    run(scenario())


def test_an_equal_value_a_moment_later_is_no_write(folder: Path) -> None:
    """A folder may be listed every second for a key that it lacks."""

    async def scenario() -> None:
        async with one(folder) as made:
            made.put("A")
            made.put("A")
            await made.written()
            for _ in range(59):
                made.clock.advance(1)
                made.put("A")
                assert not made.writer.pending
            made.clock.advance(1)
            made.put("A")
            assert made.writer.pending, "but once a minute"
            assert (made.memory.entry(key("A")) or _none()).contact == made.clock.boot()

    run(scenario())


def _none() -> CacheEntry:
    raise AssertionError("there is no entry")


def test_an_equal_value_is_a_contact_and_is_written(folder: Path) -> None:
    async def scenario() -> None:
        async with one(folder) as made:
            made.put("A")
            await made.written()
            made.clock.advance(3600)
            made.put("A")
            await made.written()
            assert (await on_disk(made)).contact == made.clock.wall()

    run(scenario())
