"""Beyond the rows: psictl's own units, which are root without a capability (r29)."""

import pytest

from tests.system.probe.outcome import Attempt
from tests.system.walls.wall import Wall, each, wall
from tests.system.walls.walled import Walled

SETUP, REFRESH = "psi-infisical-setup.service", "psi-infisical-refresh.service"
MAY = [
    ("setup", ("connect", "/run/podman/podman.sock")),
    ("setup", ("connect", "/run/dbus/system_bus_socket")),
    ("setup", ("connect", "/run/psi-ctl/broker.sock")),
    ("setup", ("create", "/etc/containers/systemd/probe")),
    ("setup", ("read", "/etc/psi/config.yaml")),
    ("setup", ("execute", "/usr/bin/systemctl", "--version")),
    ("refresh", ("connect", "/run/psi-ctl/broker.sock")),
]
"""What each does when it does its work."""
WRITES = [
    *(
        wall("create", f"{folder}/probe", walled={"setup": "EROFS"})
        for folder in (
            "/run", "/run/psi", "/run/systemd/system", "/etc/psi", "/etc/psi/generated",
            "/etc/systemd/system", "/etc/containers", "/var/lib/psi-config",
        )
    ),
    *(
        # A folder that a service owns: root without a capability is a stranger there.
        wall(verb, f"/var/lib/{folder}{rest}", walled={"setup": "EACCES"})
        for folder in ("psi", "psi-sealer")
        for verb, rest in (("list", ""), ("create", "/probe"))
    ),
]  # fmt: skip  # a list of folders
WALLS: list[Wall] = WRITES
TRIED: dict[str, list[Attempt]] = {
    who: [attempt for each_who, attempt in MAY if each_who == who] for who in ("setup", "refresh")
}


@each(*WRITES)
def test_setup_writes_nowhere_else(walled: Walled, wall: Wall, who: str) -> None:
    walled.check(wall, who)


@pytest.mark.parametrize(("who", "attempt"), MAY, ids=str)
def test_what_a_oneshot_needs_it_has(walled: Walled, who: str, attempt: Attempt) -> None:
    outcome = walled.came_of(who, attempt)
    assert not outcome.refused, outcome


@pytest.mark.parametrize("unit", [SETUP, REFRESH])
def test_it_does_its_work_inside_its_walls(walled: Walled, unit: str) -> None:
    walled.host.systemctl("restart", unit)
    assert walled.host.property(unit, "Result") == "success"
    assert walled.host.property(unit, "ExecMainStatus") == "0"
