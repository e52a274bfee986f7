"""The sealer over its life: unprovisioned, open, degraded and back, whatever the device does."""

import asyncio
from pathlib import Path

import pytest

from psi.sealer.device_error import DeviceError
from psi.shared.errors import Unreachable
from psi.shared.limits import Limits
from psi.shared.messages.sealer import AddSlot, AddSlotReply, SealerError
from psi.shared.secret import DataKey, SecretBytes
from tests.unit.sealer.running import KEY, refused, running
from tests.unit.sealer.scripted_device import ScriptedDevice
from tests.unit.sealer.waiting import until

AWAY = DeviceError(SealerError.DEVICE_UNAVAILABLE, "no device; plug it in", retry=True)


def test_before_it_is_provisioned_it_says_what_to_do(tmp_path: Path) -> None:
    async def run() -> None:
        async with running(tmp_path, ScriptedDevice()) as sealer:
            status = await sealer.status()
            assert (status.state, status.code, status.device_calls) == ("unprovisioned", "", 0)
            refusal = await refused(sealer.wrap())
            assert refusal.code == SealerError.UNPROVISIONED
            assert "psictl cache init" in refusal.detail
            assert (await refused(sealer.unwrap(b"x"))).code == SealerError.UNPROVISIONED

    asyncio.run(run())


def test_a_wrapped_key_comes_back_after_a_restart(tmp_path: Path) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        async with running(tmp_path, device) as sealer:
            assert await sealer.provision() is None
            wrapped = await sealer.wrap()
            assert (await sealer.status()).state == "open"
        async with running(tmp_path, device) as sealer:
            assert await sealer.unwrap(wrapped) == KEY
            status = await sealer.status()
            assert [(slot.number, slot.kind, slot.opens) for slot in status.slots] == [
                (0, "tpm", True)
            ]
            assert (status.wraps, status.unwraps) == (0, 1)
        assert device.threads == {"device"}
        assert not device.is_open

    asyncio.run(run())


def test_with_an_open_key_no_request_asks_the_device(tmp_path: Path) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        async with running(tmp_path, device) as sealer:
            await sealer.provision()
            before = (await sealer.status()).device_calls
            for number in range(50):
                assert await sealer.unwrap(await sealer.wrap(generation=number), number) == KEY
            assert (await sealer.status()).device_calls == before == 1

    asyncio.run(run())


def test_per_operation_asks_each_time_and_keeps_nothing(tmp_path: Path) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        async with running(tmp_path, device, hold="per-operation") as sealer:
            await sealer.provision()
            wrapped = await sealer.wrap()
            assert await sealer.unwrap(wrapped) == KEY
            status = await sealer.in_state("closed")
            assert status.device_calls == 3
            assert sealer.sealer.holder._keys is None
            assert sealer.sealer.holder._opening is None

    asyncio.run(run())


def test_per_operation_fails_while_the_device_is_away_and_works_again(tmp_path: Path) -> None:
    device = ScriptedDevice()
    limits = Limits(device_retry_seconds=1000)

    async def run() -> None:
        async with running(tmp_path, device, hold="per-operation", limits=limits) as sealer:
            await sealer.provision()
            device.failure = AWAY
            refusal = await refused(sealer.wrap())
            assert (refusal.code, refusal.detail) == (AWAY.code, AWAY.detail)
            assert (await sealer.status()).state == "degraded"
            device.failure = None
            assert await sealer.unwrap(await sealer.wrap()) == KEY
            await sealer.in_state("closed")

    asyncio.run(run())


@pytest.mark.parametrize("hold", ["open", "per-operation"])
def test_a_device_that_was_away_is_opened_again_by_itself(tmp_path: Path, hold: str) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        async with running(tmp_path, device) as sealer:
            await sealer.provision()
            wrapped = await sealer.wrap()
        device.failure = AWAY
        async with running(tmp_path, device, hold=hold) as sealer:
            status = await sealer.in_state("degraded", SealerError.DEVICE_UNAVAILABLE)
            assert status.detail == AWAY.detail
            assert (await refused(sealer.unwrap(wrapped))).code == AWAY.code
            opens = device.opens
            await until(lambda: device.opens > opens + 2, "it is tried again")
            device.failure = None
            await sealer.in_state("open" if hold == "open" else "closed")
            assert await sealer.unwrap(wrapped) == KEY
            assert (await sealer.status()).detail == ""

    asyncio.run(run())


def test_a_request_during_the_first_opening_waits_for_it(tmp_path: Path) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        async with running(tmp_path, device) as sealer:
            await sealer.provision()
            wrapped = await sealer.wrap()
        device.hang()
        async with running(tmp_path, device) as sealer:
            waiting = [asyncio.create_task(sealer.unwrap(wrapped)) for _ in range(3)]
            await until(device.entered.is_set, "the device is asked")
            assert (await sealer.status()).state == "closed"
            device.release.set()
            assert await asyncio.gather(*waiting) == [KEY] * 3
            assert (await sealer.status()).device_calls == 1

    asyncio.run(run())


def test_provisioning_again_needs_force_and_keeps_the_old_file(tmp_path: Path) -> None:
    async def run() -> None:
        async with running(tmp_path, ScriptedDevice()) as sealer:
            await sealer.provision()
            old, wrapped = (tmp_path / "state/keyslots").read_bytes(), await sealer.wrap()
            refusal = await refused(sealer.provision())
            assert refusal.code == SealerError.PROVISIONED
            assert await sealer.unwrap(wrapped) == KEY
            await sealer.provision(force=True)
            assert (await refused(sealer.unwrap(wrapped))).code == SealerError.OTHER_KEY
            assert await sealer.unwrap(await sealer.wrap()) == KEY
            (kept,) = (tmp_path / "state").glob("keyslots.replaced-*")
            assert kept.read_bytes() == old

    asyncio.run(run())


def test_a_failed_provisioning_changes_nothing(tmp_path: Path) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        async with running(tmp_path, device) as sealer:
            device.failure = AWAY
            assert (await refused(sealer.provision())).code == AWAY.code
            assert list((tmp_path / "state").iterdir()) == []
            assert (await sealer.status()).state == "unprovisioned"
            device.failure = None
            await sealer.provision()
            assert await sealer.unwrap(await sealer.wrap()) == KEY

    asyncio.run(run())


def test_a_damaged_file_is_left_alone_and_a_restored_one_is_taken(tmp_path: Path) -> None:
    device, path = ScriptedDevice(), tmp_path / "state/keyslots"

    async def run() -> None:
        async with running(tmp_path, device) as sealer:
            await sealer.provision()
            wrapped = await sealer.wrap()
        good = path.read_bytes()
        path.write_bytes(good[:-1])
        asked = device.opens
        async with running(tmp_path, device) as sealer:
            status = await sealer.in_state("degraded", SealerError.CORRUPT)
            assert "keyslot file" in status.detail
            assert (await refused(sealer.unwrap(wrapped))).code == SealerError.CORRUPT
            assert (await refused(sealer.provision())).code == SealerError.PROVISIONED
            assert path.read_bytes() == good[:-1]
            assert device.opens == asked
            path.write_bytes(good)
            added = await sealer.control(AddSlot(kind="device"), AddSlotReply)
            assert added.number == 1
            assert await sealer.unwrap(wrapped) == KEY

    asyncio.run(run())


def test_a_file_that_was_put_there_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    device, path = ScriptedDevice(), tmp_path / "state/keyslots"

    async def run() -> None:
        async with running(tmp_path, device) as sealer:
            await sealer.provision()
            old = path.read_bytes()
            await sealer.provision(force=True)
            path.write_bytes(old)
            refusal = await refused(sealer.control(AddSlot(kind="device"), AddSlotReply))
            assert refusal.code == SealerError.CORRUPT
            assert path.read_bytes() == old

    asyncio.run(run())


def test_a_file_that_vanished_is_written_anew_while_the_key_is_open(tmp_path: Path) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        async with running(tmp_path, device) as sealer:
            await sealer.provision()
            wrapped = await sealer.wrap()
            (tmp_path / "state/keyslots").unlink()
            await sealer.control(AddSlot(kind="device"), AddSlotReply)
        async with running(tmp_path, device) as sealer:
            assert await sealer.unwrap(wrapped) == KEY

    asyncio.run(run())


def test_another_host_secret_is_told(tmp_path: Path) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        async with running(tmp_path, device) as sealer:
            await sealer.provision()
        async with running(tmp_path, device, host_secret=SecretBytes(b"x" * 32)) as sealer:
            status = await sealer.in_state("degraded", SealerError.CORRUPT)
            assert "host secret" in status.detail

    asyncio.run(run())


def test_a_key_of_another_length_does_not_decode(tmp_path: Path) -> None:
    async def run() -> None:
        async with running(tmp_path, ScriptedDevice()) as sealer:
            await sealer.provision()
            with pytest.raises(Unreachable):
                await asyncio.wait_for(sealer.wrap(DataKey(b"short")), 10)
            assert await sealer.unwrap(await sealer.wrap()) == KEY

    asyncio.run(run())
