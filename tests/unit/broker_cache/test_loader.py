"""Loading: a file that cannot be opened now is waited for, one that never can is kept (r8)."""

from pathlib import Path

import pytest

from psi.broker.cache_keeper import FileKeeper
from psi.shared.messages.broker import BrokerError
from psi.shared.messages.sealer import SealerError, UnwrapKey
from tests.fakes.sealer_stub.stub import sealer_stub
from tests.unit.broker_cache.rig import (
    Rig,
    key,
    make_file,
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


def test_a_restart_has_everything_and_asks_for_one_key(folder: Path) -> None:
    async def scenario() -> None:
        await fill(folder, "A", "B")
        async with one(folder) as later:
            assert later.names() == {"A", "B"}
            assert later.memory.get(key("A")) == value("value of A")
            assert later.stub.asked.count(UnwrapKey) == 1
            assert later.loader.contact == later.clock.wall()
            assert later.loader.detail == ""

    run(scenario())


def test_no_file_is_loaded_at_once_without_the_sealer(folder: Path) -> None:
    async def scenario() -> None:
        async with (
            sealer_stub(folder / "s.sock", present=False) as stub,
            rig(folder, stub) as made,
        ):
            await made.loaded()

    run(scenario())


@pytest.mark.parametrize(
    "code",
    [
        SealerError.UNPROVISIONED,
        SealerError.DEVICE_UNAVAILABLE,
        SealerError.DEVICE_TIMEOUT,
        SealerError.BOOT_STATE,
        SealerError.LOCKED_OUT,
        SealerError.PIN_REFUSED,
        SealerError.OTHER_DEVICE,
        SealerError.CORRUPT,
    ],
)
def test_a_sealer_that_refuses_for_now_is_waited_for(folder: Path, code: SealerError) -> None:
    """With live lookups meanwhile: what they bring is merged, and wins."""

    async def scenario() -> None:
        before = await fill(folder, "A", "B")
        async with sealer_stub(folder / "sealer.sock") as stub:
            stub.refuses = code
            async with rig(folder, stub) as made:
                await made.keeper.settled()
                assert not made.loader.loaded.is_set()
                assert "cache.enc cannot be opened: the stub says" in made.loader.detail
                made.put("C")
                made.memory.put(key("B"), value("newer"))
                await until(lambda: stub.asked.count(UnwrapKey) > 3)
                assert made.file.read_bytes() == before, "nothing is written meanwhile"
                assert made.kept() == []
                stub.refuses = None
                await made.loaded()
                await made.written()
                assert made.memory.get(key("B")) == value("newer")
                assert await names_on_disk(made) == {"A", "B", "C"}
                assert made.loader.detail == ""

    run(scenario())


def test_a_sealer_that_is_away_is_waited_for(folder: Path) -> None:
    async def scenario() -> None:
        before = await fill(folder, "A")
        async with sealer_stub(folder / "s.sock", present=False) as stub, rig(folder, stub) as made:
            await made.keeper.settled()
            assert "cache.enc waits for the sealer" in made.loader.detail
            made.put("C")
            assert made.file.read_bytes() == before
            await stub.arrive()
            await made.loaded()
            await made.written()
            assert await names_on_disk(made) == {"A", "C"}

    run(scenario())


def test_a_sealer_that_hangs_is_waited_for_while_live_values_come(folder: Path) -> None:
    async def scenario() -> None:
        before = await fill(folder, "A")
        async with sealer_stub(folder / "sealer.sock") as stub:
            stub.hang()
            async with rig(folder, stub) as made:
                await until(lambda: UnwrapKey in stub.asked)
                assert not made.loader.settled.is_set(), "the caller bounds its wait"
                made.put("C")
                assert made.memory.get(key("C")) == value("value of C")
                assert made.file.read_bytes() == before
                stub.go_on()
                await made.loaded()
                await made.written()
                assert await names_on_disk(made) == {"A", "C"}

    run(scenario())


def test_a_sealer_that_dies_in_the_middle_is_waited_for(folder: Path) -> None:
    async def scenario() -> None:
        await fill(folder, "A")
        async with sealer_stub(folder / "sealer.sock") as stub:
            stub.hang()
            async with rig(folder, stub) as made:
                await until(lambda: UnwrapKey in stub.asked)
                await stub.leave()
                await made.keeper.settled()
                assert not made.loader.loaded.is_set()
                stub.go_on()
                await stub.arrive()
                await made.loaded()
                assert made.names() == {"A"}

    run(scenario())


async def kept_as(folder: Path, blob: bytes) -> tuple[Rig, str]:
    """Start on these bytes; return the rig and what it says, the bytes being kept."""
    (folder / "cache.enc").write_bytes(blob)
    async with one(folder) as made:
        (kept,) = made.kept()
        assert kept.read_bytes() == blob
        assert kept.name in made.loader.detail
        made.put("C")
        await made.written()
        assert await names_on_disk(made) == {"C"}
        assert kept.read_bytes() == blob, "kept beside the new one"
        return made, made.loader.detail


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        (0, 0, "it is no file of PSI's"),
        (8, 8, "it has format"),
        (9, 9, "of another kind than cache"),
        (10, 10, "its header is damaged"),
        (11, 11, "its header is damaged"),
        (18, 18, "another purpose or generation"),
        (19, 19, "cut short or its header is damaged"),
        (20, 20, "has no form that this version knows"),
        (21, 21, "has no form that this version knows"),
        (22, 22, "wrapped by another key"),
        (40, 40, "another purpose or generation"),
        (-40, -40, "its content was altered"),
        (-1, -1, "its content was altered"),
    ],
)
def test_a_damaged_file_is_set_aside_with_its_cause(
    folder: Path, start: int, end: int, told: str
) -> None:
    """The sealer's words, too: a damaged wrapping is not taken for a sealer that is unwell."""

    async def scenario() -> None:
        blob = bytearray(await fill(folder, "A", "B"))
        blob[start] ^= 0x81
        _, detail = await kept_as(folder, bytes(blob))
        assert told in detail

    run(scenario())


@pytest.mark.parametrize("length", [0, 1, 20, 21, 60, 120, 140])
def test_a_truncated_file_is_set_aside(folder: Path, length: int) -> None:
    async def scenario() -> None:
        _, detail = await kept_as(folder, (await fill(folder, "A", "B"))[:length])
        assert "cut short" in detail or "altered" in detail

    run(scenario())


def test_a_whole_file_is_not_set_aside(folder: Path) -> None:
    async def scenario() -> None:
        await fill(folder, "A")
        async with one(folder) as made:
            assert made.kept() == []
            assert await made.keeper.verify() == 1

    run(scenario())


def test_another_generation_inside_is_set_aside(folder: Path) -> None:
    async def scenario() -> None:
        async with one(folder) as made:
            blob = await make_file(made, "A", generation=4)
            assert blob[11:19] == (4).to_bytes(8)
        _, detail = await kept_as(folder, blob[:11] + (3).to_bytes(8) + blob[19:])
        assert "another purpose or generation" in detail

    run(scenario())


def test_verify_tells_a_file_that_was_damaged_since(folder: Path) -> None:
    async def scenario() -> None:
        async with one(folder) as made:
            keeper: FileKeeper = made.keeper
            assert await keeper.verify() == 0
            made.put("A")
            await made.written()
            assert await keeper.verify() == 1
            made.file.write_bytes(made.file.read_bytes()[:-1])
            refusal = await refusal_of(keeper.verify())
            assert (refusal.code, "altered" in refusal.detail) == (BrokerError.SEALER, True)
            made.stub.refuses = SealerError.BOOT_STATE
            assert "the stub says" in (await refusal_of(keeper.verify())).detail

    run(scenario())
