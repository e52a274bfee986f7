"""What a refresh does for the file: new ages, and a new key where the sealer has another."""

from pathlib import Path

from psi.shared.messages.sealer import WrapKey
from tests.fakes.sealer_stub.stub import SealerStub
from tests.unit.broker_cache.rig import (
    QUICK,
    Rig,
    changed,
    names_on_disk,
    on_disk,
    one,
    run,
)

SLOW = changed(QUICK, cache_write_seconds=3600)
"""Additions are never written by themselves."""


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
