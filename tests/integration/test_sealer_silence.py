"""What the sealer writes: every change is audited, no key is in any line, DEBUG included."""

import asyncio
import base64
import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from psi.shared.log import _Formatter
from psi.shared.messages.base import Done
from psi.shared.messages.sealer import (
    AddSlot,
    AddSlotReply,
    Recover,
    RemoveSlot,
    Reseal,
    UnwrapForeign,
    UnwrapForeignReply,
)
from tests.unit.sealer.running import KEY, refused, running
from tests.unit.sealer.samples import HOST_SECRET
from tests.unit.sealer.scripted_device import ScriptedDevice


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything that any logger writes, as the journal would get it."""
    stream, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Formatter())
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.setLevel(level)
    root.removeHandler(handler)


def forms(secret: bytes) -> tuple[str, ...]:
    return (
        secret.decode("latin-1"),
        repr(secret)[2:-1],
        secret.hex(),
        base64.b64encode(secret).decode(),
    )


def test_no_key_is_logged_and_every_change_is_audited(tmp_path: Path, written: io.StringIO) -> None:
    device = ScriptedDevice("pkcs11")
    secrets = [KEY.reveal(), HOST_SECRET.reveal(), b"648219"]

    async def run() -> None:
        async with running(tmp_path, device, pin=b"648219") as sealer:
            sealer.sealer.audit._stream = written
            printed = await sealer.provision(recovery=True)
            assert printed is not None
            assert await sealer.unwrap(await sealer.wrap()) == KEY
            await refused(sealer.unwrap(b"x" * 77))
            await sealer.control(Recover(recovery_key=printed), Done)
            await sealer.control(AddSlot(kind="device"), AddSlotReply)
            await sealer.control(RemoveSlot(number=0), Done)
            await refused(sealer.control(Reseal(approve=b"a" * 32), Done))
            foreign = UnwrapForeign(wrapped=b"foreign key, thirty-two bytes ok" * 2)
            await sealer.control(foreign, UnwrapForeignReply)
            secrets.extend([printed.reveal(), *(key.reveal() for key in device.keys.values())])
            secrets.append(b"foreign key, thirty-two bytes ok"[::-1])
        async with running(tmp_path, device, pin=b"648219") as sealer:
            await sealer.in_state("open")

    asyncio.run(run())
    text = written.getvalue()
    assert "key.opened" in text
    for secret in secrets:
        for form in forms(secret):
            assert form not in text
    lines = [line.split()[1:3] for line in text.splitlines() if "psi-audit:" in line]
    assert lines == [
        ["key-provisioned", "outcome=done"],
        ["key-recovered", "outcome=done"],
        ["slot-added", "outcome=done"],
        ["slot-removed", "outcome=done"],
        ["key-resealed", "outcome=internal"],
        ["foreign-unwrapped", "outcome=done"],
    ]
