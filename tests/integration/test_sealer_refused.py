"""PINs and lockouts are not tried again by themselves; what a library raises is not shown (r14)."""

import asyncio
from pathlib import Path

import pytest

from psi.sealer.device_error import DeviceError
from psi.shared.messages.sealer import AddSlot, AddSlotReply, SealerError
from tests.unit.sealer.running import KEY, refused, running
from tests.unit.sealer.scripted_device import ScriptedDevice

PIN_REFUSED = DeviceError(SealerError.PIN_REFUSED, "the token refused the PIN", latch=True)
LOCKED_OUT = DeviceError(SealerError.LOCKED_OUT, "locked out; wait an hour", latch=True)


def test_a_wrong_pin_is_tried_exactly_once_over_20_restarts(tmp_path: Path) -> None:
    device = ScriptedDevice("pkcs11")

    async def run() -> None:
        async with running(tmp_path, device, pin=b"648219") as sealer:
            await sealer.provision()
            wrapped = await sealer.wrap()
        device.failure, device.opens = PIN_REFUSED, 0
        for _ in range(20):
            async with running(tmp_path, device, pin=b"000000") as sealer:
                status = await sealer.in_state("degraded", SealerError.PIN_REFUSED)
                await refused(sealer.unwrap(wrapped))
                refusal = await refused(sealer.control(AddSlot(kind="device"), AddSlotReply))
                assert refusal.code == SealerError.PIN_REFUSED
        assert "until it changes" in status.detail
        assert device.opens == 1
        device.failure = None
        async with running(tmp_path, device, pin=b"648219") as sealer:
            assert await sealer.unwrap(wrapped) == KEY
        assert device.opens == 2

    asyncio.run(run())


def test_callers_at_once_share_the_one_attempt(tmp_path: Path) -> None:
    device = ScriptedDevice("pkcs11")
    device.failure = PIN_REFUSED

    async def run() -> None:
        async with running(tmp_path, device, pin=b"000000") as sealer:
            attempts = [refused(sealer.provision(force=True)) for _ in range(4)]
            assert {r.code for r in await asyncio.gather(*attempts)} == {SealerError.PIN_REFUSED}
        assert device.opens == 1

    asyncio.run(run())


@pytest.mark.parametrize("hold", ["open", "per-operation"])
def test_a_lockout_is_not_tried_until_a_restart(tmp_path: Path, hold: str) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        async with running(tmp_path, device) as sealer:
            await sealer.provision()
        device.failure, device.opens = LOCKED_OUT, 0
        async with running(tmp_path, device, hold=hold) as sealer:
            await sealer.in_state("degraded", SealerError.LOCKED_OUT)
            for _ in range(3):
                assert (await refused(sealer.wrap())).code == SealerError.LOCKED_OUT
            assert device.opens == 1
        device.failure = None
        async with running(tmp_path, device, hold=hold) as sealer:
            assert await sealer.unwrap(await sealer.wrap()) == KEY

    asyncio.run(run())


def test_an_unknown_error_of_a_library_is_told_without_its_text(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    device = ScriptedDevice()

    def fault() -> None:
        raise ValueError("canary in the library's text")

    async def run() -> None:
        async with running(tmp_path, device) as sealer:
            await sealer.provision()
        device.fault = fault
        async with running(tmp_path, device) as sealer:
            status = await sealer.in_state("degraded", SealerError.INTERNAL)
            assert "canary" not in status.detail
            assert sealer.sealer.holder._timer is None
            device.fault = lambda: None
            await sealer.control(AddSlot(kind="device"), AddSlotReply)
            await sealer.in_state("open")

    asyncio.run(run())
    assert "device.fault" in caplog.text
    assert "canary" not in caplog.text
