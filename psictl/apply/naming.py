"""The names of what a generation is made of."""

import re

from psi.shared.processes import Process

_FOLDER = re.compile(r"gen-([1-9][0-9]{0,14})")
_DROP_IN = ".conf"


def folder_name(number: int) -> str:
    """Return a generation's folder."""
    return f"gen-{number}"


def folder_number(name: str) -> int | None:
    """Return the number of a generation's folder, or None for any other name."""
    match = _FOLDER.fullmatch(name)
    return int(match[1]) if match else None


def file_name(process: Process) -> str:
    """Return a service's file in a generation."""
    return f"{process}.json"


def drop_in_name(unit: str) -> str:
    """Return a unit's drop-in in a generation."""
    return unit + _DROP_IN


def unit_name(drop_in: str) -> str:
    """Return the unit that a drop-in of a generation is for."""
    return drop_in.removesuffix(_DROP_IN)
