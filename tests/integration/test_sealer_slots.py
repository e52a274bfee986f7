"""Slots over the years: boot states, cleared devices, recovery keys."""

import asyncio
from pathlib import Path

import pytest

from psi.shared.messages.base import Done
from psi.shared.messages.sealer import (
    MAX_SLOTS,
    AddSlot,
    AddSlotReply,
    Recover,
    RemoveSlot,
    Reseal,
    SealerError,
    UnwrapForeign,
    UnwrapForeignReply,
)
from psi.shared.secret import SecretBytes
from tests.unit.sealer.running import KEY, Running, refused, running
from tests.unit.sealer.scripted_device import ScriptedDevice

NEXT_STATE = b"\x02" * 32


async def recover(sealer: Running, key: SecretBytes | None) -> None:
    assert key is not None
    await sealer.control(Recover(recovery_key=key), Done)


async def provisioned(folder: Path, device: ScriptedDevice) -> tuple[bytes, SecretBytes]:
    async with running(folder, device) as sealer:
        printed = await sealer.provision(recovery=True)
        assert printed is not None
        return await sealer.wrap(), printed


def test_a_changed_boot_state_closes_the_key_until_it_is_recovered(tmp_path: Path) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        wrapped, printed = await provisioned(tmp_path, device)
        device.boot_state = NEXT_STATE
        async with running(tmp_path, device) as sealer:
            await sealer.in_state("degraded", SealerError.BOOT_STATE)
            assert (await refused(sealer.unwrap(wrapped))).code == SealerError.BOOT_STATE
            assert (await refused(sealer.control(Reseal(), Done))).code == SealerError.BOOT_STATE
            await recover(sealer, printed)
            assert await sealer.unwrap(wrapped) == KEY
        async with running(tmp_path, device) as sealer:
            assert await sealer.unwrap(wrapped) == KEY
            opens = {slot.number: slot.opens for slot in (await sealer.status()).slots}
            assert opens == {0: False, 1: False, 2: True}

    asyncio.run(run())


def test_what_trying_does_not_cure_is_not_tried_by_itself(tmp_path: Path) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        await provisioned(tmp_path, device)
        device.boot_state = NEXT_STATE
        async with running(tmp_path, device) as sealer:
            await sealer.in_state("degraded", SealerError.BOOT_STATE)
            opens = device.opens
            await asyncio.sleep(0)
            assert sealer.sealer.holder._timer is None
            for _ in range(5):
                await refused(sealer.wrap())
            assert device.opens == opens

    asyncio.run(run())


def test_reseal_while_open_survives_the_change(tmp_path: Path) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        async with running(tmp_path, device) as sealer:
            await sealer.provision()
            wrapped = await sealer.wrap()
            device.boot_state = NEXT_STATE
            await sealer.control(Reseal(), Done)
        async with running(tmp_path, device) as sealer:
            assert await sealer.unwrap(wrapped) == KEY

    asyncio.run(run())


def test_a_state_can_be_approved_before_it_comes(tmp_path: Path) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        async with running(tmp_path, device) as sealer:
            await sealer.provision()
            wrapped = await sealer.wrap()
            await sealer.control(Reseal(approve=NEXT_STATE), Done)
        device.boot_state = NEXT_STATE
        async with running(tmp_path, device) as sealer:
            assert await sealer.unwrap(wrapped) == KEY

    asyncio.run(run())


def test_a_cleared_device_is_told_and_recovered(tmp_path: Path) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        wrapped, printed = await provisioned(tmp_path, device)
        device.keys.clear()
        async with running(tmp_path, device) as sealer:
            await sealer.in_state("degraded", SealerError.OTHER_DEVICE)
            await recover(sealer, printed)
            assert await sealer.unwrap(wrapped) == KEY

    asyncio.run(run())


def test_another_backend_than_the_slots_is_told(tmp_path: Path) -> None:
    async def run() -> None:
        _, printed = await provisioned(tmp_path, ScriptedDevice())
        async with running(tmp_path, ScriptedDevice("pkcs11")) as sealer:
            status = await sealer.in_state("degraded", SealerError.OTHER_DEVICE)
            assert "cache.backend" in status.detail
            await recover(sealer, printed)
            kinds = [slot.kind for slot in (await sealer.status()).slots]
            assert kinds == ["tpm", "recovery", "pkcs11"]

    asyncio.run(run())


def test_a_recovery_key_of_another_provisioning_opens_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with running(tmp_path, ScriptedDevice()) as sealer:
            old = await sealer.provision(recovery=True)
            await sealer.provision(recovery=True, force=True)
            before = (tmp_path / "state/keyslots").read_bytes()
            refusal = await refused(recover(sealer, old))
            assert refusal.code == SealerError.BAD_RECOVERY_KEY
            typing_error = SecretBytes(b"0" + old.reveal()[1:] if old else b"")
            refusal = await refused(recover(sealer, typing_error))
            assert refusal.code == SealerError.BAD_RECOVERY_KEY
            assert "group 1" in refusal.detail or "opens no slot" in refusal.detail
            assert (tmp_path / "state/keyslots").read_bytes() == before

    asyncio.run(run())


def test_without_a_recovery_slot_a_recovery_key_opens_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with running(tmp_path, ScriptedDevice()) as sealer:
            printed = await sealer.provision(recovery=True)
            await sealer.control(RemoveSlot(number=1), Done)
            assert (await refused(recover(sealer, printed))).code == SealerError.BAD_RECOVERY_KEY

    asyncio.run(run())


def test_recover_before_provisioning_is_refused(tmp_path: Path) -> None:
    async def run() -> None:
        async with running(tmp_path, ScriptedDevice()) as sealer:
            refusal = await refused(recover(sealer, SecretBytes(b"x")))
            assert refusal.code == SealerError.UNPROVISIONED

    asyncio.run(run())


def test_slots_are_added_and_removed_and_the_last_one_stays(tmp_path: Path) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        async with running(tmp_path, device) as sealer:
            await sealer.provision()
            wrapped = await sealer.wrap()
            assert (await refused(sealer.control(RemoveSlot(number=0), Done))).code == (
                SealerError.LAST_SLOT
            )
            added = await sealer.control(AddSlot(kind="recovery"), AddSlotReply)
            assert added.number == 1
            assert added.recovery_key is not None
            added = await sealer.control(AddSlot(kind="device"), AddSlotReply)
            assert (added.number, added.recovery_key) == (2, None)
            await sealer.control(RemoveSlot(number=0), Done)
            refusal = await refused(sealer.control(RemoveSlot(number=0), Done))
            assert refusal.code == SealerError.UNKNOWN_SLOT
        async with running(tmp_path, device) as sealer:
            assert await sealer.unwrap(wrapped) == KEY
            assert [slot.number for slot in (await sealer.status()).slots] == [1, 2]

    asyncio.run(run())


def test_a_ninth_slot_is_refused_before_the_device_is_asked(tmp_path: Path) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        async with running(tmp_path, device) as sealer:
            await sealer.provision()
            for _ in range(MAX_SLOTS - 1):
                await sealer.control(AddSlot(kind="device"), AddSlotReply)
            opens = device.opens
            refusal = await refused(sealer.control(AddSlot(kind="device"), AddSlotReply))
            assert refusal.code == SealerError.FULL
            assert device.opens == opens

    asyncio.run(run())


@pytest.mark.parametrize("hold", ["open", "per-operation"])
def test_slots_can_be_changed_in_both_holds(tmp_path: Path, hold: str) -> None:
    async def run() -> None:
        async with running(tmp_path, ScriptedDevice(), hold=hold) as sealer:
            await sealer.provision()
            wrapped = await sealer.wrap()
            await sealer.control(AddSlot(kind="device"), AddSlotReply)
            await sealer.control(RemoveSlot(number=0), Done)
            await sealer.control(Reseal(), Done)
            assert await sealer.unwrap(wrapped) == KEY

    asyncio.run(run())


def test_a_slot_that_does_not_open_is_never_written(tmp_path: Path) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        async with running(tmp_path, device) as sealer:
            await sealer.provision()
            before = (tmp_path / "state/keyslots").read_bytes()
            device.fault = device.keys.clear
            refusal = await refused(sealer.control(AddSlot(kind="device"), AddSlotReply))
            assert refusal.code == SealerError.OTHER_DEVICE
            assert (tmp_path / "state/keyslots").read_bytes() == before

    asyncio.run(run())


def test_concurrent_changes_are_made_one_after_the_other(tmp_path: Path) -> None:
    async def run() -> None:
        async with running(tmp_path, ScriptedDevice()) as sealer:
            await sealer.provision()
            adds = (sealer.control(AddSlot(kind="device"), AddSlotReply) for _ in range(4))
            numbers = {reply.number for reply in await asyncio.gather(*adds)}
            assert numbers == {1, 2, 3, 4}

    asyncio.run(run())


def test_a_foreign_key_is_a_key_and_nothing_longer(tmp_path: Path) -> None:
    async def run() -> None:
        async with running(tmp_path, ScriptedDevice()) as sealer:
            reply = await sealer.control(UnwrapForeign(wrapped=b"a" * 64), UnwrapForeignReply)
            assert reply.key == SecretBytes(b"a" * 32)

    asyncio.run(run())
