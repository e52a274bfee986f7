"""psi.target: what it starts besides what every host has."""

from psi.shared.processes import Process
from psictl.apply.units.circumstances import Circumstances
from psictl.apply.units.dropin import Sections
from psictl.apply.units.names import REFRESH_TIMER, SEALER_SOCKETS


def target_sections(host: Circumstances) -> Sections:
    """Return what this configuration needs of the units that not every one does."""
    wanted: list[str] = []
    if host.sealer is not None:
        wanted += [*SEALER_SOCKETS, Process.SEALER.unit]
    if host.cache.backend != "none":
        wanted.append(REFRESH_TIMER)
    return {"Unit": [f"Wants={unit}" for unit in wanted]}
