"""What all walls stand on: the probe runs in the sandbox that is shipped, and as its user."""

from pathlib import Path

import pytest

from tests.system.walls.wall import SANDBOXES, UNITS
from tests.system.walls.walled import Walled

SHIPPED = Path(__file__).resolve().parents[3] / "systemd"
PROBES = frozenset({"Type", "ExecStart", "Restart"})
"""What the probe's drop-in changes of it, beside the watchdog, which is shown by another name."""


def directives(unit: str) -> set[str]:
    """Return the names of all that a unit file sets for its service."""
    service = (SHIPPED / unit).read_text().partition("[Service]")[2].partition("[Install]")[0]
    lines = service.splitlines()
    return {line.partition("=")[0] for line in lines if "=" in line and line[0] != "#"}


@pytest.mark.parametrize("who", SANDBOXES)
def test_the_probe_runs_in_the_sandbox_that_is_shipped(walled: Walled, who: str) -> None:
    shipped, probed = walled.shipped[who], walled.probed[who]
    shown = directives(UNITS[who]) & shipped.keys()
    assert {"SystemCallFilter", "RestrictAddressFamilies", "User", "CapabilityBoundingSet"} <= shown
    assert len(shown) > 40
    changed = {name for name in shown if shipped[name] != probed[name]}
    assert changed <= PROBES
    assert "psi-probe" in probed["ExecStart"]
    assert "psi-probe" not in shipped["ExecStart"]
