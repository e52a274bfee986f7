"""Brings an emulated device to life, and gives it its keyslot: a host starts ready to be used."""

import asyncio
from collections.abc import Mapping

import msgspec

from psi.shared.errors import PsiError
from psi.shared.limits import Limits
from psi.shared.messages.sealer import Provision, ProvisionReply
from psictl.client import SealerClient
from psictl.dev.children import Child
from psictl.dev.device import START_SECONDS, Device
from psictl.layout import Layout

KEYSLOTS = "keyslots"
"""The sealer's own name of its file: where it is, there is nothing to do."""


async def listening(child: Child, device: Device) -> None:
    """Wait until an emulator can be used; raises PsiError where it does not get there."""
    if not await child.wait_until(device.listens, START_SECONDS):
        raise PsiError(f"{device.name} does not listen; its log is in the dev-device folder")
    child.ready.set()


def start_emulator(device: Device, environment: Mapping[str, str]) -> Child:
    """Run the program of a device that is one; sockets of one that was killed are removed."""
    for path in device.sockets:
        path.unlink(missing_ok=True)
    return Child(device.argv, environment, {})


async def provision_if_new(
    sealer: Child, seconds: float, layout: Layout, limits: bytes | None
) -> None:
    """Make the first keyslot where there is no keyslot file, without a recovery key.

    Raises PsiError where the sealer is not READY within ``seconds``, and as ControlClient.call.
    """
    if (layout.sealer_state / KEYSLOTS).exists():
        return
    cause = await sealer.wait_ready(seconds)
    if cause:
        raise PsiError(f"the sealer {cause}; see what it logs")
    chosen = Limits() if limits is None else msgspec.json.decode(limits, type=Limits)
    await asyncio.to_thread(_provision, layout, chosen)


def _provision(layout: Layout, limits: Limits) -> None:
    with SealerClient(layout, limits) as client:
        client.call(Provision(recovery=False), ProvisionReply)
