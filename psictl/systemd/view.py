"""``psictl systemd status`` for a person: tables on stdout."""

import sys
from collections.abc import Iterable, Sequence
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from psi.shared.names import printable
from psictl.output import format_time
from psictl.systemd.judgement import TARGET
from psictl.systemd.show import Unit
from psictl.systemd.status import SystemdStatus, next_firing

PIPE_COLUMNS: Final = 200
"""Where stdout is no terminal, nothing is to be folded: the longest path here has some 80."""
_CELL: Final = 256
_STYLES: Final = {"active": "green", "failed": "bold red", "masked": "red", "not-found": "red"}


def write_view(status: SystemdStatus) -> None:
    """Write the tables: units, timers, drop-ins."""
    console = Console(
        file=sys.stdout,
        highlight=False,
        markup=False,
        emoji=False,
        width=None if sys.stdout.isatty() else PIPE_COLUMNS,
    )
    units = status.units.values()
    header = ("UNIT", "STATE", "AT BOOT", "EXPOSURE", "SINCE")
    console.print(_table(header, [_unit_row(status, unit) for unit in units]))
    timers = [unit for unit in units if unit.name.endswith(".timer")]
    rows = [(t.name, format_time(t.last_trigger), format_time(next_firing(t))) for t in timers]
    console.print()
    console.print(_table(("TIMER", "LAST", "NEXT"), rows))
    drop_ins = [(each.unit, each.kind, each.path) for each in status.drop_ins]
    if drop_ins:
        console.print()
        console.print(_table(("UNIT", "DROP-IN", "PATH"), drop_ins))


def _unit_row(status: SystemdStatus, unit: Unit) -> Sequence[str]:
    exposure = status.exposure.get(unit.name)
    return (
        unit.name,
        f"{unit.active} ({unit.sub})" if unit.load == "loaded" else unit.load,
        _at_boot(status, unit),
        "-" if exposure is None else f"{exposure:.1f}",
        format_time(unit.since),
    )


def _at_boot(status: SystemdStatus, unit: Unit) -> str:
    """Return what starts it; ``disabled`` would mislead where the target does."""
    linked = unit.file_state.startswith(("enabled", "masked"))
    by_target = unit.name in status.wanted and not linked
    return f"by {TARGET}" if by_target else unit.file_state or "-"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(*header, box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*(Text(printable(cell, _CELL), _style(cell)) for cell in row))
    return table


def _style(cell: str) -> str:
    return _STYLES.get(cell.partition(" ")[0], "")
