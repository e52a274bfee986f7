"""Files set aside: merged when their key returns, and nothing removed comes back (r8, r30)."""

import asyncio
from pathlib import Path

from psi.shared.messages.broker import BrokerError
from psi.shared.messages.sealer import SealerError
from tests.fakes.sealer_stub.stub import sealer_stub
from tests.unit.broker_cache.rig import (
    QUICK,
    changed,
    key,
    names_on_disk,
    one,
    refusal_of,
    rig,
    run,
    until,
    value,
)


async def fill(folder: Path, *names: str) -> bytes:
    """Have a cache of an earlier run on the disk; return its bytes."""
    async with one(folder) as earlier:
        earlier.put(*names)
        await earlier.written()
        return earlier.file.read_bytes()


def test_the_cache_of_another_host_is_set_aside_and_merged_when_its_key_returns(
    folder: Path,
) -> None:
    async def scenario() -> None:
        before = await fill(folder, "A", "B")
        async with sealer_stub(folder / "sealer.sock") as stub:
            stub.become_another()
            async with rig(folder, stub) as made:
                await made.loaded()
                assert "wrapped by another key" in made.loader.detail
                assert [kept.read_bytes() for kept in made.kept()] == [before]
                made.memory.put(key("B"), value("newer"))
                await made.written()
                stub.become_another(b"k")
                made.put("C")
                await made.keeper.refreshed(contact=False)
                await until(lambda: made.kept() == [])
                await made.written()
                assert made.names() == {"A", "B", "C"}
                assert made.memory.get(key("B")) == value("newer")
                assert await names_on_disk(made) == {"A", "B", "C"}
                assert made.loader.detail == ""

    run(scenario())


def test_a_merged_file_is_there_until_its_entries_are_on_the_disk(folder: Path) -> None:
    """Also where a write was under way when it was merged: that one has not got them."""

    async def scenario() -> None:
        before = await fill(folder, "A")
        slow = changed(QUICK, cache_write_seconds=3600)
        async with sealer_stub(folder / "sealer.sock") as stub:
            stub.become_another()
            async with rig(folder, stub, limits=slow) as made:
                await made.loaded()
                stub.become_another(b"k")
                made.put("C")
                made.writer._ahead = None
                stub.hang()
                async with made.writer.paused():
                    pass
                write = asyncio.create_task(made.writer.flush())
                await until(made.writer._writing.locked)
                merge = asyncio.create_task(made.keeper.refreshed(contact=False))
                stub.go_on()
                await asyncio.gather(write, merge)
                on_disk = await names_on_disk(made)
                kept = [each.read_bytes() for each in made.kept()]
                assert on_disk == {"A", "C"} or kept == [before]
                await made.writer.flush(force=True)
                assert await names_on_disk(made) == {"A", "C"}
                assert made.kept() == []

    run(scenario())


def test_a_key_that_was_removed_meanwhile_does_not_come_back_from_the_file(folder: Path) -> None:
    async def scenario() -> None:
        await fill(folder, "A", "B")
        async with sealer_stub(folder / "sealer.sock") as stub:
            stub.refuses = SealerError.DEVICE_UNAVAILABLE
            async with rig(folder, stub) as made:
                await made.keeper.settled()
                refusal = await refusal_of(made.keeper.remove([key("A")]))
                assert refusal.code == BrokerError.SEALER
                assert "the file keeps them for now" in refusal.detail
                stub.refuses = None
                await made.loaded()
                await made.written()
                assert made.names() == {"B"}
                assert await names_on_disk(made) == {"B"}, "and the file has it no more"

    run(scenario())


def test_a_key_that_was_removed_does_not_come_back_from_a_kept_file_after_a_restart(
    folder: Path,
) -> None:
    async def scenario() -> None:
        await fill(folder, "A", "B")
        async with sealer_stub(folder / "sealer.sock") as stub:
            stub.become_another()
            async with rig(folder, stub) as made:
                await made.loaded()
                made.put("A")
                await made.written()
                assert await made.keeper.remove([key("A")]) == 1
            async with rig(folder, stub) as made:
                await made.loaded()
                assert made.loader.removed == {key("A")}
                stub.become_another(b"k")
                await made.loader.merge_kept()
                assert made.names() == {"B"}

    run(scenario())


def test_what_was_set_aside_is_merged_no_more_once_all_is_invalidated(folder: Path) -> None:
    async def scenario() -> None:
        await fill(folder, "A", "B")
        async with sealer_stub(folder / "sealer.sock") as stub:
            stub.become_another()
            async with rig(folder, stub) as made:
                await made.loaded()
                made.put("C")
                assert await made.keeper.clear() == 1
                stub.become_another(b"k")
                await made.keeper.refreshed(contact=False)
                assert made.names() == set()
                assert ["discarded" in name for name in made.files()].count(True) == 1

    run(scenario())


def test_a_planted_link_is_set_aside_and_not_followed(folder: Path) -> None:
    async def scenario() -> None:
        target = folder / "target"
        target.write_bytes(b"precious")
        (folder / "cache.enc").symlink_to(target)
        async with one(folder) as made:
            assert "a link" in made.loader.detail
            made.put("A")
            await made.written()
            assert await names_on_disk(made) == {"A"}
            assert target.read_bytes() == b"precious"
            (kept,) = made.kept()
            assert kept.is_symlink()

    run(scenario())
