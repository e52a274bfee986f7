"""Rows 7 and 8: who reaches which socket of ours."""

import pytest

from tests.system.probe.outcome import Attempt
from tests.system.walls.wall import SERVICES, Wall, all_of, each, wall
from tests.system.walls.walled import Walled

CALLERS = {
    "/run/psi/psi.sock": (),
    "/run/psi-ipc/broker-frontend/sock": ("frontend",),
    "/run/psi-ipc/broker-pki/sock": ("pki",),
    "/run/psi-ipc/sealer-broker/sock": ("broker",),
    "/run/psi-ctl/broker.sock": ("refresh",),
    "/run/psi-ctl/sealer.sock": (),
    "/run/psi-ctl/pki.sock": (),
}
"""Each socket, and which sandbox reaches it; setup sees them all, as root does."""
REACHES = [(path, who) for path, callers in CALLERS.items() for who in callers]
USERS = tuple(f"uid psi-{name}" for name in SERVICES)


def _strangers(path: str) -> dict[str, str]:
    """Return what those come to who are not a socket's caller: it is not there, or not theirs."""
    callers = CALLERS[path]
    inside = {who: "ENOENT" for who in (*SERVICES, "refresh") if who not in callers}
    outside = {user: "EACCES" for user in USERS if user.removeprefix("uid psi-") not in callers}
    return inside | outside


ROW_7 = [wall("connect", path, walled=_strangers(path)) for path in CALLERS]
ROW_8 = [
    *(wall("connect", path, walled={"uid nobody": "EACCES"}) for path in CALLERS),
    *(
        wall("list", folder, walled={"uid nobody": "EACCES"})
        for folder in ("/run/psi-ipc", "/run/psi-ipc/broker-frontend", "/run/psi-ctl")
    ),
    *(
        wall("create", f"{folder}/probe", walled=all_of((*USERS, "uid nobody"), "EACCES"))
        for folder in ("/run/psi", "/run/psi-ipc", "/run/psi-ipc/broker-frontend", "/run/psi-ctl")
    ),
]
WALLS: list[Wall] = [*ROW_7, *ROW_8]
TRIED: dict[str, list[Attempt]] = {}
for _path, _who in REACHES:
    TRIED.setdefault(_who, []).append(("connect", _path))


@each(*ROW_7)
def test_07_a_socket_has_one_caller(walled: Walled, wall: Wall, who: str) -> None:
    walled.check(wall, who)


@pytest.mark.parametrize(("path", "who"), REACHES)
def test_07_its_caller_reaches_it(walled: Walled, path: str, who: str) -> None:
    assert walled.came_of(who, ("connect", path)).got == "connected"


@each(*ROW_8)
def test_08_no_stranger_reaches_a_socket_or_a_folder(walled: Walled, wall: Wall, who: str) -> None:
    walled.check(wall, who)
