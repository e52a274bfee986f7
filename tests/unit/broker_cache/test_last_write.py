"""The last write at shutdown needs no one, and none overlaps another (r23)."""

import asyncio
from pathlib import Path

import pytest

from psi.broker.cache import CacheKey
from psi.shared.messages.broker import BrokerError
from psi.shared.messages.sealer import SealerError
from tests.fakes.sealer_stub.stub import sealer_stub
from tests.unit.broker_cache.full_disk import Disk
from tests.unit.broker_cache.rig import (
    QUICK,
    Rig,
    changed,
    key,
    names_on_disk,
    one,
    refusal_of,
    rig,
    run,
    until,
)

SLOW = changed(QUICK, cache_write_seconds=3600)
"""Additions are never written by themselves."""


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
