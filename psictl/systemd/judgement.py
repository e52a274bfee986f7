"""What is wrong with a unit, as systemd has it, and what to do about it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from psi.shared.names import printable
from psictl.install.places import UNITS
from psictl.systemd.problem import Problem
from psictl.systemd.show import Unit

TARGET: Final = "psi.target"
_AUTO_RESTART: Final = "auto-restart"
_MERGED: Final = "/lib/"
"""Debian 12 names units by the link /lib, which leads to /usr/lib."""


@dataclass(frozen=True)
class Circle:
    """All units, and what is expected of them."""

    units: Mapping[str, Unit]
    oneshots: Collection[str]
    """They run and end: inactive is no fault."""
    enabled: Collection[str]
    """What is started at boot by links of ``systemctl enable``."""

    @property
    def wanted(self) -> frozenset[str]:
        """What should run: all that the target wants, where the target itself is up."""
        target = self.units[TARGET]
        return frozenset(target.wants if target.active == "active" else ())

    def problems(self) -> Iterator[Problem]:
        """Return what is wrong, unit by unit."""
        for unit in self.units.values():
            if unit.load == "loaded":
                yield from self._of_loaded(unit)
            else:
                yield self._not_loaded(unit)

    def _not_loaded(self, unit: Unit) -> Problem:
        name, down = unit.name, unit.name in self.wanted or unit.name == TARGET
        if unit.load == "masked":
            start = f"; systemctl start {name}" if down else ""
            return Problem(name, "is masked", f"systemctl {_unmask(unit)}{start}", down)
        if unit.load == "not-found":
            return Problem(name, "is not installed", "psictl install", down)
        told = printable(unit.load_error, 200)
        remedy = f"systemd-analyze verify {name}, and psictl systemd status for what differs"
        return Problem(name, f"is not loaded by systemd ({unit.load}: {told})", remedy, down)

    def _of_loaded(self, unit: Unit) -> Iterator[Problem]:
        yield from _of_files(unit)
        if unit.name in self.enabled:
            yield from self._of_enabling(unit)
        if unit.active == "failed":
            yield failure(unit, self.units, self.oneshots)
        elif unit.sub.startswith(_AUTO_RESTART):
            told = f"dies and is started again ({unit.result}, {unit.restarts} times)"
            yield Problem(unit.name, told, f"see journalctl -u {unit.name}", down=True)
        elif unit.active == "inactive" and unit.name in self.wanted - set(self.oneshots):
            yield Problem(unit.name, _IDLE[_kind(unit)], f"systemctl start {unit.name}", down=True)
        elif unit.active == "active":
            yield from self._of_active(unit)

    def _of_enabling(self, unit: Unit) -> Iterator[Problem]:
        """Tell one remedy once: the target takes the sockets along."""
        if unit.name == TARGET and unit.active == "inactive":
            told = "is not active: nothing of PSI runs"
            yield Problem(TARGET, told, f"systemctl enable --now {TARGET}", down=True)
        elif unit.file_state != "enabled" and (unit.name == TARGET or self._target_is_enabled):
            told = f"is not enabled ({unit.file_state or 'no'}): it will not be there after a boot"
            yield Problem(unit.name, told, f"systemctl enable {TARGET}")

    @property
    def _target_is_enabled(self) -> bool:
        return self.units[TARGET].file_state == "enabled"

    def _of_active(self, unit: Unit) -> Iterator[Problem]:
        if unit.sub == "elapsed":
            yield Problem(unit.name, "will not fire again", f"systemctl restart {unit.name}", True)
        expected = self.wanted | set(self.oneshots) | {TARGET}
        if self.wanted and unit.name not in expected:
            told = f"runs, and {TARGET} does not want it"
            yield Problem(unit.name, told, f"systemctl stop {unit.name}")


def failure(unit: Unit, units: Mapping[str, Unit], oneshots: Collection[str] = ()) -> Problem:
    """Return what to tell of a unit that failed."""
    name, told = unit.name, f"failed ({unit.result})" if unit.result else "failed"
    if name in oneshots:
        return Problem(name, told, f"see journalctl -u {name}; systemctl start {name}")
    start = f"systemctl reset-failed {name}; systemctl start {name}"
    if _kind(unit) == "socket":
        return Problem(name, told, f"{_unmasking(unit, units)}{start}", down=True)
    return Problem(name, told, f"see journalctl -u {name}; {start}", down=True)


def _unmasking(socket: Unit, units: Mapping[str, Unit]) -> str:
    """Return what must come first: a socket whose service is masked would fail again."""
    masked = [name for name in socket.triggers if name in units and units[name].load == "masked"]
    return "".join(f"systemctl {_unmask(units[name])}; " for name in masked)


def _unmask(unit: Unit) -> str:
    runtime = "--runtime " if unit.file_state == "masked-runtime" else ""
    return f"unmask {runtime}{unit.name}"


def on_host(path: str) -> str:
    """Return a path as it is where /lib is a link to /usr/lib."""
    return f"/usr{path}" if path.startswith(_MERGED) else path


def _of_files(unit: Unit) -> Iterator[Problem]:
    name = unit.name
    if on_host(unit.fragment) != f"{UNITS}/{name}":
        remedy = f"make it a drop-in (systemctl edit {name}), remove it, systemctl daemon-reload"
        yield Problem(printable(unit.fragment, 200), f"takes the place of {name}", remedy)
    if unit.needs_reload:
        again = f"; systemctl restart {name}" if _kind(unit) == "service" else ""
        told = "has files that changed since systemd read them"
        yield Problem(name, told, f"systemctl daemon-reload{again}")


def _kind(unit: Unit) -> str:
    return unit.name.rpartition(".")[2]


_IDLE: Final = {
    "service": "does not run",
    "socket": "does not listen",
    "timer": "does not count",
    "target": "is not active",
}
