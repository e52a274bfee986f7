"""Sealed secrets: opened at start, bound to their names, registered once and only after psictl."""

import asyncio
from pathlib import Path

import pytest

from psi.broker.mapping import SealedName
from psi.shared.errors import Refusal
from psi.shared.messages.base import Done, Refused
from psi.shared.messages.broker import BrokerError, LookupReply
from psi.shared.messages.sealer import SealerError, UnwrapKey
from psi.shared.secret import MAX_SECRET_BYTES, SecretBytes
from tests.fakes.sealer_stub.stub import sealer_stub
from tests.unit.broker_cache.rig import QUICK, changed, refusal_of, run, until
from tests.unit.broker_cache.sealed_rig import BOOT, restarted, rig


def test_a_sealed_value_is_served_from_memory_and_after_a_restart(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal()
                assert isinstance(await made.register(), Done)
                reply = await made.look_up()
                assert isinstance(reply, LookupReply)
                assert reply.value == BOOT
            file = folder / "sealed/BOOT"
            assert b"boot value" not in file.read_bytes()
            assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (
                0o600,
                0o700,
            )
            async with rig(folder, stub) as made:
                await until(lambda: made.store.get("BOOT"))
                assert made.store.get("BOOT") == BOOT

    run(scenario())


def test_swapped_files_are_refused_by_their_names(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal("BOOT")
                await made.seal("ADMIN", SecretBytes(b"admin value"))
            boot, admin = folder / "sealed/BOOT", folder / "sealed/ADMIN"
            boot.rename(folder / "x")
            admin.rename(boot)
            (folder / "x").rename(admin)
            async with rig(folder, stub) as made:
                await until(lambda: "damaged" in made.store.refusal("ADMIN").detail)
                await until(lambda: "damaged" in made.store.refusal("BOOT").detail)
                assert len(made.store) == 0
                assert "psictl seal --force BOOT" in made.store.refusal("BOOT").detail

    run(scenario())


@pytest.mark.parametrize("damage", [b"", b"junk", None])
def test_a_damaged_file_is_told_and_left_where_it_is(folder: Path, damage: bytes | None) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal()
                await made.seal("WHOLE")
            file = folder / "sealed/BOOT"
            damaged = file.read_bytes()[:-1] + b"\xff" if damage is None else damage
            file.write_bytes(damaged)
            async with rig(folder, stub) as made:
                await until(lambda: "damaged" in made.store.refusal("BOOT").detail)
                await until(lambda: made.store.get("WHOLE"))
                assert made.store.refusal("BOOT").code == BrokerError.SEALER
                refusal = await refusal_of(made.seal())
                assert refusal.code == BrokerError.EXISTS
                assert file.read_bytes() == damaged
                await made.seal(replace=True)
                assert made.store.get("BOOT") == BOOT
            assert await restarted(folder, stub) == BOOT

    run(scenario())


@pytest.mark.parametrize(
    "code", [SealerError.DEVICE_UNAVAILABLE, SealerError.BOOT_STATE, SealerError.UNPROVISIONED]
)
def test_a_sealer_that_is_unwell_is_waited_for(folder: Path, code: SealerError) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal()
            stub.refuses = code
            async with rig(folder, stub) as made:
                await until(lambda: "the stub says" in made.store.refusal("BOOT").detail)
                stub.refuses = None
                await until(lambda: made.store.get("BOOT"))

    run(scenario())


def test_another_key_is_told_and_the_right_one_opens_it_without_a_restart(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal()
            stub.become_another()
            async with rig(folder, stub) as made:
                await until(lambda: "another key" in made.store.refusal("BOOT").detail)
                stub.become_another(b"k")
                await until(lambda: made.store.get("BOOT"))

    run(scenario())


def test_a_sealer_that_is_away_is_told_and_waited_for(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal()
            await stub.leave()
            async with rig(folder, stub) as made:
                await until(lambda: "not reachable" in made.store.refusal("BOOT").detail)
                refusal = await refusal_of(made.seal("NEW"))
                assert refusal.code == BrokerError.SEALER
                assert not (folder / "sealed/NEW").exists()
                await stub.arrive()
                await until(lambda: made.store.get("BOOT"))

    run(scenario())


def test_without_a_sealer_nothing_can_be_sealed_and_it_says_what_to_do(folder: Path) -> None:
    async def scenario() -> None:
        async with rig(folder, None) as made:
            refusal = await refusal_of(made.seal())
            assert refusal.code == BrokerError.SEALER
            assert "set cache.backend" in refusal.detail

    run(scenario())


def test_a_name_is_not_overwritten_even_before_the_files_were_found(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal()
            async with rig(folder, stub, start=False) as made:
                refusal = await refusal_of(made.seal(value=SecretBytes(b"other")))
                assert refusal.code == BrokerError.EXISTS
            assert await restarted(folder, stub) == BOOT

    run(scenario())


def test_of_two_at_once_one_is_told_that_it_exists(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub, rig(folder, stub) as made:
            both = await asyncio.gather(
                made.seal(value=SecretBytes(b"1")),
                made.seal(value=SecretBytes(b"2")),
                return_exceptions=True,
            )
            assert [type(each) for each in both] == [type(None), Refusal]
            assert made.store.get("BOOT") == SecretBytes(b"1")

    run(scenario())


def test_a_value_sealed_anew_is_not_replaced_by_the_file_that_was_being_read(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal()
            async with rig(folder, stub, start=False) as made:
                stub.hang()
                made.start()
                await until(lambda: "BOOT" in made.store._closed)
                newer = asyncio.create_task(made.seal(value=SecretBytes(b"newer"), replace=True))
                stub.go_on()
                await newer
                await until(lambda: not made.store._closed)
                await asyncio.sleep(0)
                assert made.store.get("BOOT") == SecretBytes(b"newer")

    run(scenario())


def test_an_empty_value_is_refused_and_the_largest_is_taken(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                refusal = await refusal_of(made.seal(value=SecretBytes(b"")))
                assert refusal.code == BrokerError.BAD_VALUE
                await made.seal(value=SecretBytes(b"x" * MAX_SECRET_BYTES))
            opened = await restarted(folder, stub)
            assert opened is not None
            assert len(opened) == MAX_SECRET_BYTES

    run(scenario())


def test_a_lookup_of_what_is_closed_names_the_cause(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal()
                await made.register()
            stub.refuses = SealerError.BOOT_STATE
            async with rig(folder, stub) as made:
                await until(lambda: "the stub says" in made.store.refusal("BOOT").detail)
                refusal = made.store.refusal("BOOT")
                assert "sealed secret BOOT: the stub says boot-state" in refusal.detail
                assert made.store.refusal("NO").code == BrokerError.ABSENT

    run(scenario())


def test_a_lookup_before_the_files_were_tried_waits_for_them(folder: Path) -> None:
    """A container that starts with the broker is not told that its secret is unknown."""

    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal()
                await made.register()
            async with rig(folder, stub, start=False) as made:
                made.mappings.load()
                stub.hang()
                early = asyncio.create_task(made.look_up())
                made.start()
                await until(lambda: stub.asked[-1] is UnwrapKey)
                late = asyncio.create_task(made.look_up())
                await asyncio.sleep(0)
                assert not early.done()
                stub.go_on()
                for each in (early, late):
                    reply = await each
                    assert isinstance(reply, LookupReply)
                    assert reply.value == BOOT

    run(scenario())


def test_a_lookup_waits_no_longer_than_a_miss_may(folder: Path) -> None:
    async def scenario() -> None:
        async with sealer_stub(folder / "s.sock") as stub:
            async with rig(folder, stub) as made:
                await made.seal()
                await made.register()
            async with rig(folder, stub, limits=changed(QUICK, miss_seconds=0.05)) as made:
                made.mappings.load()
                stub.hang()
                reply = await made.look_up()
                assert isinstance(reply, Refused)
                assert reply.code == BrokerError.SEALER
                assert "not opened yet" in reply.detail

    run(scenario())


def test_names_that_are_none_are_left_alone(folder: Path) -> None:
    async def scenario() -> None:
        (folder / "sealed").mkdir()
        (folder / "sealed/..x").write_bytes(b"")
        (folder / "sealed/a-b").write_bytes(b"")
        async with sealer_stub(folder / "s.sock") as stub, rig(folder, stub) as made:
            assert made.task is not None
            await made.task
            assert len(made.store) == 0

    run(scenario())


def test_a_sealed_name_is_in_no_coordinates_way() -> None:
    assert str(SealedName("BOOT")) == "sealed:BOOT"
