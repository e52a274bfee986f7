"""What a person and a script see: messages on stderr, data on stdout, one JSON object a command."""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from psi.shared.names import printable

SCHEMA = 1
"""Of every ``--json`` object; it changes when a field's meaning does."""


def say(text: str) -> None:
    """Write a message to stderr; its foreign parts were made printable by whoever built it."""
    sys.stderr.write(f"psictl: {text}\n")


def write_line(text: str) -> None:
    """Write a line of data to stdout."""
    sys.stdout.write(f"{text}\n")


def write_json(fields: dict[str, Any]) -> None:
    """Write the command's one object, ``schema`` first."""
    write_json_value({"schema": SCHEMA, **fields})


def write_json_value(value: Any) -> None:
    """Write a JSON value and a newline to stdout."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def write_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write columns to stdout, each as wide as its longest cell; cells are made printable."""
    table = [list(header), *([printable(cell, 256) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        write_line("  ".join(cells).rstrip())


def format_time(timestamp: float) -> str:
    """Return a UTC time for a person; ``-`` for 0 and for what no calendar holds."""
    try:
        moment = datetime.fromtimestamp(timestamp, UTC)
    except (OverflowError, ValueError, OSError):
        return "-"
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC") if timestamp > 0 else "-"
