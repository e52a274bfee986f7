"""Units as systemd has them: ``systemctl show``, never its tables.

Properties are named by org.freedesktop.systemd1(5) and printed one a line, units parted by an
empty line (systemctl(1)); a property that a type of unit lacks is left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from psi.shared.errors import PsiError, Unreachable
from psi.shared.names import printable
from psictl.systemd.programs import ask
from psictl.systemd.values import parse_bool, parse_count, parse_list, parse_span, parse_time

BOOTED: Final = Path("/run/systemd/system")
"""There only where systemd is the service manager (sd_booted(3))."""
_WORDS: Final = 200
"""Characters of what systemctl says that a message repeats."""


@dataclass(frozen=True)
class Unit:
    """One unit."""

    name: str
    load: str
    """``loaded``, ``not-found``, ``masked``, ``error``, ``bad-setting``."""
    load_error: str
    active: str
    sub: str
    file_state: str
    """As ``systemctl is-enabled`` says; empty where there is no file."""
    fragment: str
    drop_ins: tuple[str, ...]
    """Paths, in the order in which systemd reads them."""
    needs_reload: bool
    since: float
    """Of this state, seconds since the epoch; 0 if it never had another."""
    result: str = ""
    """Of the last run: ``success``, ``exit-code``, ``resources``; targets have none."""
    restarts: int = 0
    wants: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    """What a socket or timer starts."""
    last_trigger: float = 0.0
    """Of a timer, seconds since the epoch; 0 for never."""
    next_realtime: float = 0.0
    """Of a timer, seconds since the epoch; 0 for none."""
    next_monotonic: float = 0.0
    """Of a timer, seconds of CLOCK_MONOTONIC; 0 for none."""


_REQUIRED: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "Id": ("name", str),
    "LoadState": ("load", str),
    "LoadError": ("load_error", str),
    "ActiveState": ("active", str),
    "SubState": ("sub", str),
    "UnitFileState": ("file_state", str),
    "FragmentPath": ("fragment", str),
    "DropInPaths": ("drop_ins", parse_list),
    "NeedDaemonReload": ("needs_reload", parse_bool),
    "StateChangeTimestamp": ("since", parse_time),
}
_OPTIONAL: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "Result": ("result", str),
    "NRestarts": ("restarts", parse_count),
    "Wants": ("wants", parse_list),
    "Triggers": ("triggers", parse_list),
    "LastTriggerUSec": ("last_trigger", parse_time),
    "NextElapseUSecRealtime": ("next_realtime", parse_time),
    "NextElapseUSecMonotonic": ("next_monotonic", parse_span),
}
_ALL: Final = {**_REQUIRED, **_OPTIONAL}
ARGUMENTS: Final = ("show", "--no-pager", "--timestamp=unix", f"--property={','.join(_ALL)}", "--")


def is_booted(folder: Path = BOOTED) -> bool:
    """Tell whether systemd runs this machine."""
    return folder.is_dir()


def show(names: Sequence[str]) -> dict[str, Unit]:
    """Return these units; systemd answers anyone.

    Raises Unreachable where systemd does not answer, PsiError where the answer is not understood.
    """
    done = ask(["systemctl", *ARGUMENTS, *names])
    if done.code != 0:
        raise Unreachable(f"systemctl show: {done.said or f'it ended with {done.code}'}")
    text = done.out
    units = [_unit(block) for block in text.strip("\n").split("\n\n")]
    found = {unit.name: unit for unit in units}
    if len(found) != len(units) or set(found) != set(names):
        told = printable(" ".join(sorted(found)), _WORDS)
        raise PsiError(f"systemctl show was asked for {len(names)} units and told of: {told}")
    return {name: found[name] for name in names}


def _unit(block: str) -> Unit:
    fields: dict[str, Any] = {}
    for line in block.splitlines():
        name, equals, value = line.partition("=")
        if not equals or name not in _ALL or _ALL[name][0] in fields:
            raise PsiError(f"systemctl show printed a line that is not known: {printable(line)}")
        field, parse = _ALL[name]
        fields[field] = parse(value)
    missing = [name for name, (field, _) in _REQUIRED.items() if field not in fields]
    if missing:
        raise PsiError(f"systemctl show printed no {missing[0]}: is it older than systemd 251?")
    return Unit(**fields)
