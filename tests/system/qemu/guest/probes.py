"""Copies of the shipped units with a probe in place of their program, run beside the real ones.

A copy has the unit's text and the drop-ins that are in force, and one drop-in of its own after
them; so its sandbox is the service's, and what a test changes stands in that last drop-in.
"""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.system.qemu.guest.commands import run, show

PROGRAM: Final = Path(__file__).with_name("sandboxed.py")
UNITS: Final = Path("/run/systemd/system")
SHIPPED: Final = Path("/usr/lib/systemd/system")
GENERATED: Final = Path("/etc/systemd/system")
OUTPUTS: Final = Path("/run/psi-test")
_DROP_IN: Final = """\
[Service]
Type=oneshot
ExecStart=
ExecStart=/usr/bin/python3 -I {program} {trials}
Restart=no
WatchdogSec=0
StandardOutput=truncate:{output}
StandardError=journal
{lines}
"""


@dataclass(frozen=True)
class Probe:
    """One trial in the sandbox of a service."""

    name: str
    process: str
    trials: tuple[str, ...]
    """As sandboxed.py has them."""
    lines: tuple[str, ...] = ()
    """Settings on top of the service's."""
    generated: bool = True
    """With what ``psictl apply`` derived."""

    @property
    def unit(self) -> str:
        """The copy's name."""
        return f"psi-probe-{self.name}.service"

    def _output(self) -> Path:
        return OUTPUTS / f"{self.name}.json"

    def write(self) -> None:
        """Write the copy and its drop-ins; systemd has to reload afterwards."""
        source = f"psi-{self.process}.service"
        folder = UNITS / f"{self.unit}.d"
        folder.mkdir(parents=True)
        shutil.copy(SHIPPED / source, UNITS / self.unit)
        for origin in [SHIPPED, GENERATED] if self.generated else [SHIPPED]:
            for path in origin.glob(f"{source}.d/*.conf"):
                shutil.copy(path, folder / path.name)
        text = _DROP_IN.format(
            program=PROGRAM,
            trials=" + ".join(self.trials),
            output=self._output(),
            lines="\n".join(self.lines),
        )
        (folder / "90-probe.conf").write_text(text)

    def outcome(self) -> dict[str, Any]:
        """Return how it ended, and the last that it said of each trial."""
        output = self._output()
        lines = output.read_text().splitlines() if output.exists() else []
        said = [json.loads(line) for line in lines]
        return {
            "result": show(self.unit, "Result")["Result"],
            "trials": {facts.pop("trial"): facts for facts in said},
        }


def write_probes(probes: Iterable[Probe]) -> None:
    """Make all of them known to systemd; a reload takes seconds here."""
    for probe in probes:
        probe.write()
    run(["systemctl", "daemon-reload"])


def run_probes(probes: Iterable[Probe]) -> dict[str, Any]:
    """Run all at once and return for each how it ended and what it printed."""
    together = list(probes)
    # Its exit code tells of those that are meant to fail, too.
    run(["systemctl", "start", *(probe.unit for probe in together)], check=False)
    return {probe.name: probe.outcome() for probe in together}
