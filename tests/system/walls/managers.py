"""Rows 13 to 16: systemd and Podman do nothing for a service of ours, inside or outside.

There is no rule for a bus: pki will start its hooks by touching a file.
"""

import pytest

from tests.system.probe.outcome import Attempt
from tests.system.walls.places import OTHER_UNIT
from tests.system.walls.wall import SERVICES, Wall, all_of, each, wall
from tests.system.walls.walled import Walled

SOCKETS = ("/run/dbus/system_bus_socket", "/run/systemd/private", "/run/podman/podman.sock")
PROGRAMS = ("systemctl", "busctl", "systemd-run")
ROW_13 = [
    wall("execute", f"/usr/bin/{name}", "--version", walled={"pki": "EACCES"}) for name in PROGRAMS
]
ROW_16 = [
    wall("connect", path, walled=all_of((*SERVICES, "refresh"), "ENOENT")) for path in SOCKETS
]
WALLS: list[Wall] = [*ROW_13, *ROW_16]
TRIED: dict[str, list[Attempt]] = {"setup": [("connect", path) for path in SOCKETS]}
ASKED = {
    "start": ("systemctl", "start", OTHER_UNIT),
    "restart": ("systemctl", "restart", OTHER_UNIT),
    "reload": ("systemctl", "reload", OTHER_UNIT),
    "kill": ("systemctl", "kill", OTHER_UNIT),
    "stop": ("systemctl", "stop", OTHER_UNIT),
    "set-property": ("systemctl", "set-property", "--runtime", OTHER_UNIT, "TasksMax=77"),
    "daemon-reload": ("systemctl", "daemon-reload"),
}
TRANSIENT = ("systemd-run", "--wait", "--pipe", "--quiet")
USER = "psi-pki"


@each(*ROW_13)
def test_13_pki_runs_nothing_that_asks_systemd(walled: Walled, wall: Wall, who: str) -> None:
    walled.check(wall, who)


@pytest.mark.parametrize("argv", ASKED.values(), ids=ASKED)
def test_13_systemd_does_nothing_for_its_user(walled: Walled, argv: tuple[str, ...]) -> None:
    walled.host.systemctl("start", OTHER_UNIT)
    walled.denied(argv, user=USER)
    walled.host.run(argv)


def test_14_systemd_starts_no_transient_unit_for_its_user(walled: Walled) -> None:
    argv = (*TRANSIENT, "--unit=probe-ghost", "id", "-u")
    walled.denied(argv, user=USER)
    assert walled.host.run(argv).stdout == "0\n"


def test_15_nor_anything_when_it_asks_from_another_unit(walled: Walled) -> None:
    asked = ("systemctl", "reload", OTHER_UNIT)
    walled.host.systemctl("start", OTHER_UNIT)
    walled.denied((*TRANSIENT, f"--uid={USER}", *asked))
    walled.host.run([*TRANSIENT, *asked])


def test_15_there_is_no_rule_of_ours_for_a_bus(walled: Walled) -> None:
    folders = ("/etc/polkit-1", "/usr/share/polkit-1", "/etc/dbus-1", "/usr/share/dbus-1")
    search = ("grep", "-rlE")
    found = walled.host.run([*search, "psi-(pki|broker|frontend|sealer)", *folders], check=False)
    assert found.stdout == ""
    others = walled.host.run([*search, "org[.]freedesktop", *folders], check=False)
    assert others.stdout != ""


@each(*ROW_16)
def test_16_no_service_reaches_systemd_or_podman(walled: Walled, wall: Wall, who: str) -> None:
    walled.check(wall, who)


@pytest.mark.parametrize("path", SOCKETS)
def test_16_setup_reaches_them(walled: Walled, path: str) -> None:
    assert walled.came_of("setup", ("connect", path)).got == "connected"
