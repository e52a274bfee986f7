"""Writing: bursts are one write, removals are on disk first, the last write needs no one."""

import asyncio
from pathlib import Path

from psi.broker.cache import CacheEntry
from psi.shared.messages.broker import BrokerError
from psi.shared.messages.sealer import SealerError
from tests.fakes.sealer_stub.stub import sealer_stub
from tests.unit.broker_cache.full_disk import Disk
from tests.unit.broker_cache.rig import (
    QUICK,
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
