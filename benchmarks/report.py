"""How a person and a program read the results."""

import os
import platform
from collections.abc import Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.goals import Metric, Round, Verdict

METRICS: tuple[tuple[Metric, str], ...] = (
    ("throughput", "lookups/s"),
    ("p50", "p50 µs"),
    ("p99", "p99 µs"),
)
PLAIN_WIDTH = 100
"""Columns where there is no terminal: the table fits, and a log does not wrap it."""


def as_json(rounds: Sequence[Round], verdicts: Sequence[Verdict]) -> bytes:
    """Return every sample, the machine and the verdicts as one JSON object."""
    result: dict[str, Any] = {
        "schema": 1,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "rounds": rounds,
        "goals": verdicts,
        "passed": all(verdict.passed for verdict in verdicts),
    }
    return msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"


def make_console() -> Console:
    """Return a console for standard output: the terminal's width, or a fixed one."""
    console = Console()
    return console if console.is_terminal else Console(width=PLAIN_WIDTH)


def show(console: Console, rounds: Sequence[Round], verdicts: Sequence[Verdict]) -> None:
    """Print the measurements and, under them, the goals."""
    runs = len(rounds[0].psi) if rounds else 0
    console.print(f"Cached lookups, a fresh connection each: medians of {runs} runs")
    console.print(_measurements(rounds))
    show_goals(console, verdicts)


def show_goals(console: Console, verdicts: Sequence[Verdict]) -> None:
    """Print goals, what was measured, and the verdicts."""
    console.print(_goals(verdicts))


def _measurements(rounds: Sequence[Round]) -> Table:
    table = Table()
    for heading in ("clients", "", "psi", "baseline", "ratio"):
        table.add_column(heading, justify="left" if not heading else "right")
    for entry in rounds:
        for metric, label in METRICS:
            table.add_row(
                str(entry.clients),
                label,
                f"{entry.median('psi', metric):,.0f}",
                f"{entry.median('baseline', metric):,.0f}",
                f"{entry.ratio(metric):.2f}",
            )
        table.add_section()
    return table


def _goals(verdicts: Sequence[Verdict]) -> Table:
    table = Table()
    table.add_column("goal")
    table.add_column("measured", justify="right")
    table.add_column("verdict")
    for verdict in verdicts:
        word = "[green]pass[/green]" if verdict.passed else "[red]FAIL[/red]"
        table.add_row(verdict.title, f"{verdict.measured:.2f}", word)
    return table
