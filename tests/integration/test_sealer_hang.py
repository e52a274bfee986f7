"""A device that hangs: nothing else stalls, and the watchdog learns of it (r22)."""

import asyncio
import time
from pathlib import Path

from psi.shared.limits import Limits
from psi.shared.messages.sealer import AddSlot, AddSlotReply, SealerError
from tests.unit.sealer.running import KEY, refused, running
from tests.unit.sealer.scripted_device import ScriptedDevice
from tests.unit.sealer.waiting import until

LIMITS = Limits(device_seconds=1, device_hung_seconds=1.5, device_retry_seconds=0.02)


def test_at_start_callers_are_told_and_it_opens_when_the_device_answers(tmp_path: Path) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        async with running(tmp_path, device) as sealer:
            await sealer.provision()
            wrapped = await sealer.wrap()
        device.hang()
        async with running(tmp_path, device, limits=LIMITS) as sealer:
            refusal = await refused(sealer.unwrap(wrapped))
            assert refusal.code == SealerError.DEVICE_TIMEOUT
            await sealer.in_state("degraded", SealerError.DEVICE_TIMEOUT)
            opens = device.opens
            await until(lambda: not sealer.sealer.healthy(), "the watchdog is withheld")
            assert device.opens == opens, "a hung device is not asked again"
            began = time.monotonic()
            for _ in range(100):
                assert (await refused(sealer.unwrap(wrapped))).code == SealerError.DEVICE_TIMEOUT
                assert (await sealer.status()).state == "degraded"
            assert time.monotonic() - began < 10, "nobody waits for it"
            device.release.set()
            await sealer.in_state("open")
            assert await sealer.unwrap(wrapped) == KEY
            assert sealer.sealer.healthy()

    asyncio.run(run())


def test_with_an_open_key_wrapping_goes_on(tmp_path: Path) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        async with running(tmp_path, device, limits=LIMITS) as sealer:
            await sealer.provision()
            device.hang()
            adding = asyncio.create_task(
                refused(sealer.control(AddSlot(kind="device"), AddSlotReply))
            )
            await until(device.entered.is_set, "the device is asked")
            for _ in range(50):
                assert await sealer.unwrap(await sealer.wrap()) == KEY
            assert (await adding).code == SealerError.DEVICE_TIMEOUT
            status = await sealer.status()
            assert status.state == "open"
            assert len(status.slots) == 1
            device.release.set()
            await until(sealer.sealer.healthy, "it answered")
            await until(lambda: not device.is_open, "it is let go")
            added = await sealer.control(AddSlot(kind="device"), AddSlotReply)
            assert added.number == 1

    asyncio.run(run())


def test_stopping_does_not_wait_for_it(tmp_path: Path) -> None:
    device = ScriptedDevice()
    limits = Limits(drain_seconds=0.05)

    async def run() -> None:
        async with running(tmp_path, device, limits=limits) as sealer:
            device.hang()
            making = asyncio.create_task(refused(sealer.provision()))
            await until(device.entered.is_set, "the device is asked")
            await sealer.sealer.drain()
            assert (await making).code == SealerError.DRAINING
        assert list((tmp_path / "state").iterdir()) == []

    asyncio.run(run())
