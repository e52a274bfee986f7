"""A disk that refuses: nothing changes, and the sealer says so."""

import asyncio
from pathlib import Path

from psi.shared.messages.base import Done
from psi.shared.messages.sealer import AddSlot, AddSlotReply, Recover, RemoveSlot, SealerError
from tests.unit.sealer.full_disk import full_disk
from tests.unit.sealer.running import KEY, refused, running
from tests.unit.sealer.scripted_device import ScriptedDevice


def test_provisioning_on_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with running(tmp_path, ScriptedDevice()) as sealer:
            with full_disk():
                refusal = await refused(sealer.provision())
            assert refusal.code == SealerError.FULL
            assert list((tmp_path / "state").iterdir()) == []
            assert (await sealer.status()).state == "unprovisioned"
            await sealer.provision()
            assert await sealer.unwrap(await sealer.wrap()) == KEY

    asyncio.run(run())


def test_changes_on_a_full_disk_leave_file_and_memory_as_they_were(tmp_path: Path) -> None:
    device = ScriptedDevice()

    async def run() -> None:
        async with running(tmp_path, device) as sealer:
            printed = await sealer.provision(recovery=True)
            assert printed is not None
            wrapped, before = await sealer.wrap(), (tmp_path / "state/keyslots").read_bytes()
            with full_disk():
                for request, kind in (
                    (AddSlot(kind="device"), AddSlotReply),
                    (RemoveSlot(number=0), Done),
                    (Recover(recovery_key=printed), Done),
                ):
                    refusal = await refused(sealer.control(request, kind))
                    assert refusal.code == SealerError.FULL
                    assert "nothing was changed" in refusal.detail
                assert (await refused(sealer.provision(force=True))).code == SealerError.FULL
            assert (tmp_path / "state/keyslots").read_bytes() == before
            assert [slot.number for slot in (await sealer.status()).slots] == [0, 1]
            assert await sealer.unwrap(wrapped) == KEY
        async with running(tmp_path, device) as sealer:
            assert await sealer.unwrap(wrapped) == KEY

    asyncio.run(run())
