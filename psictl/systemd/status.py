"""Everything that ``psictl systemd status`` shows: the units, and what is not as it should be."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from psi.shared.errors import PsiError
from psictl.install.places import UNITS
from psictl.install.shipped import shipped_folder, unit_names
from psictl.layout import Layout
from psictl.systemd.exposure import exposures
from psictl.systemd.files import Installation, installed_places, read_installation
from psictl.systemd.generated import Generated
from psictl.systemd.judgement import TARGET, Circle, on_host
from psictl.systemd.problem import Problem
from psictl.systemd.show import Unit, show

_ALSO: Final = re.compile(r"^Also=(\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class DropIn:
    """A file that adds to a unit."""

    unit: str
    path: str
    kind: str
    """``generated`` by apply, ``shipped`` by install, or ``foreign``: somebody else's."""

    def fields(self) -> dict[str, str]:
        """Return what ``--json`` shows."""
        return {"path": self.path, "kind": self.kind}


@dataclass(frozen=True)
class SystemdStatus:
    """What systemd has, and what is wrong with it."""

    units: Mapping[str, Unit]
    wanted: frozenset[str]
    exposure: Mapping[str, float]
    drop_ins: tuple[DropIn, ...]
    problems: tuple[Problem, ...]
    unread: tuple[str, ...]
    """What could not be read or compared, and why."""

    @property
    def exit_code(self) -> int:
        """4 where something is down, 3 where something differs, else 0."""
        if any(problem.down for problem in self.problems):
            return 4
        return 3 if self.problems else 0

    def fields(self) -> dict[str, Any]:
        """Return what ``--json`` shows."""
        return {
            "exit": self.exit_code,
            "problems": [problem.fields() for problem in self.problems],
            "unread": list(self.unread),
            "units": [self._unit_fields(unit) for unit in self.units.values()],
        }

    def _unit_fields(self, unit: Unit) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "name": unit.name,
            "load": unit.load,
            "active": unit.active,
            "sub": unit.sub,
            "enabled": unit.file_state,
            "wanted": unit.name in self.wanted,
            "since": unit.since,
            "result": unit.result,
            "restarts": unit.restarts,
            "exposure": self.exposure.get(unit.name),
            "file": unit.fragment,
            "drop_ins": [each.fields() for each in self.drop_ins if each.unit == unit.name],
        }
        if unit.name.endswith(".timer"):
            fields |= {"last": unit.last_trigger, "next": next_firing(unit)}
        return fields


def read_systemd(layout: Layout, shipped: Path | None = None) -> SystemdStatus:
    """Ask systemd, and compare; what cannot be read is part of the answer.

    ``shipped`` is the folder of the unit files, by default those that came with this psictl.
    Raises Unreachable where systemd does not answer, PsiError where this psictl is not whole.
    """
    places = installed_places(layout.root)
    installation = read_installation(places, shipped or shipped_folder())
    units = show(unit_names(installation.texts))
    circle = Circle(units, _oneshots(installation), _enabled(installation))
    unread: list[str] = []
    generated = Generated(layout, units)
    problems = [
        *circle.problems(),
        *installation.problems(unread),
        *generated.problems(unread),
    ]
    return SystemdStatus(
        units,
        circle.wanted,
        _exposures(units, unread),
        _drop_ins(installation, generated, units),
        tuple(problems),
        tuple(unread),
    )


def next_firing(timer: Unit) -> float:
    """Return when a timer fires next, seconds since the epoch; 0 for never."""
    ahead = timer.next_monotonic - time.clock_gettime(time.CLOCK_MONOTONIC)
    moments = [timer.next_realtime, time.time() + ahead if timer.next_monotonic else 0.0]
    return min((moment for moment in moments if moment), default=0.0)


def _oneshots(installation: Installation) -> frozenset[str]:
    return frozenset(
        name for name in unit_names(installation.texts)
        if "\nType=oneshot\n" in installation.texts[f"{UNITS}/{name}"]
    )  # fmt: skip  # one condition


def _enabled(installation: Installation) -> frozenset[str]:
    """Return what ``systemctl enable psi.target`` makes links for."""
    text = installation.texts[f"{UNITS}/{TARGET}"]
    return frozenset({TARGET, *_ALSO.findall(text)})


def _exposures(units: Mapping[str, Unit], unread: list[str]) -> dict[str, float]:
    loaded = [
        unit.name for unit in units.values()
        if unit.name.endswith(".service") and unit.load == "loaded"
    ]  # fmt: skip  # one condition
    try:
        return exposures(loaded)
    except PsiError as error:
        unread.append(f"how exposed the services are: {error}")
        return {}


def _drop_ins(
    installation: Installation, generated: Generated, units: Mapping[str, Unit]
) -> tuple[DropIn, ...]:
    found: list[DropIn] = []
    for unit in units.values():
        for path in unit.drop_ins:
            if path == generated.link(unit.name):
                kind = "generated"
            else:
                kind = "shipped" if on_host(path) in installation.texts else "foreign"
            found.append(DropIn(unit.name, path, kind))
    return tuple(found)
