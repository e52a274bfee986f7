"""What ``apply`` derives for systemd: one drop-in for each unit that the configuration concerns.

A unit about which there is nothing to say has none. A new derivation is a module of this package
and a row of the table.
"""

from collections.abc import Callable, Mapping
from typing import Final

from psi.shared.processes import Process
from psictl.apply.naming import drop_in_name
from psictl.apply.units.broker import broker_sections
from psictl.apply.units.circumstances import Circumstances
from psictl.apply.units.dropin import Sections, render
from psictl.apply.units.names import REFRESH_TIMER, TARGET
from psictl.apply.units.sealer import sealer_sections
from psictl.apply.units.target import target_sections
from psictl.apply.units.timer import timer_sections

DERIVATIONS: Final[Mapping[str, Callable[[Circumstances], Sections]]] = {
    Process.SEALER.unit: sealer_sections,
    Process.BROKER.unit: broker_sections,
    REFRESH_TIMER: timer_sections,
    TARGET: target_sections,
}


def drop_ins(host: Circumstances) -> dict[str, bytes]:
    """Return a generation's drop-ins by file name; raises ConfigError for what none can say."""
    derived = {unit: derive(host) for unit, derive in DERIVATIONS.items()}
    return {
        drop_in_name(unit): render(sections)
        for unit, sections in derived.items()
        if any(sections.values())
    }
