"""Gives an emulated device its keyslot, so that a development host starts ready to be used."""

import msgspec

from psi.shared.limits import Limits
from psi.shared.messages.sealer import Provision, ProvisionReply
from psictl.client import SealerClient
from psictl.layout import Layout

KEYSLOTS = "keyslots"
"""The sealer's own name of its file: where it is, there is nothing to do."""


def provision_if_new(layout: Layout, limits: bytes | None) -> None:
    """Make the first keyslot where there is no keyslot file, without a recovery key. Blocks.

    Raises as ControlClient.call.
    """
    if (layout.sealer_state / KEYSLOTS).exists():
        return
    chosen = Limits() if limits is None else msgspec.json.decode(limits, type=Limits)
    with SealerClient(layout, chosen) as client:
        client.call(Provision(recovery=False), ProvisionReply)
