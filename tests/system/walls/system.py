"""Row 19: the system is read-only, and who else runs on it is not to be seen."""

import pytest

from tests.system.probe.outcome import got
from tests.system.walls.places import LISTENER_PID
from tests.system.walls.wall import (
    ONESHOTS,
    SANDBOXES,
    SERVICES,
    Wall,
    all_of,
    each,
    tried_by,
    wall,
)
from tests.system.walls.walled import Walled

READ_ONLY = ("/usr", "/usr/lib/psi", "/usr/lib/psi/root", "/etc", "/var/lib", "/dev", "")
SEPARATE = ("frontend", "sealer", "pki", "refresh")
"""Who sees neither the host's /etc nor its other folders."""
STRANGERS = ("uid psi-frontend", "uid psi-sealer", "uid psi-pki", "uid nobody")
ROW_19 = [
    *(wall("create", f"{place}/probe", walled=all_of(SANDBOXES, "EROFS")) for place in READ_ONLY),
    wall(
        "append",
        "/usr/lib/psi/current/broker/pyvenv.cfg",
        walled=all_of(SERVICES, "EACCES") | all_of(ONESHOTS, "EROFS"),
    ),
    wall("create", "/dev/shm/probe", walled=all_of(SANDBOXES, "EACCES")),  # noqa: S108  # the host's
    wall("read", "/etc/shadow", walled=all_of(SEPARATE, "ENOENT") | {"broker": "EACCES"}),
    wall("list", "/root", walled=all_of(SANDBOXES, "EACCES")),
    wall(
        "list",
        "/var/lib/containers",
        walled=all_of((*SERVICES, "refresh"), "ENOENT") | {"setup": "EACCES"},
    ),
    *(
        wall("read", path, walled=all_of(SERVICES, "ENOENT") | all_of(ONESHOTS, "EACCES"))
        for path in ("/proc/1/environ", "/proc/1/root/etc/hostname")
    ),
    *(
        # A process of the broker's user. To the group root its number is shown, and no more
        # (proc(5), hidepid and gid).
        wall(
            "read",
            f"/proc/{LISTENER_PID}/{name}",
            walled=all_of(("frontend", "sealer", "pki"), "ENOENT")
            | all_of((*ONESHOTS, *STRANGERS), "EACCES"),
            twin="uid psi-broker",
        )
        for name in ("environ", "maps")
    ),
    wall("others", walled=all_of(SERVICES, got(0))),
    wall("read", "/proc/sys/kernel/hostname", walled=all_of(SANDBOXES, "ENOENT")),
]
WALLS: list[Wall] = ROW_19
OWN = ("create", "/tmp/probe")  # noqa: S108  # each process's own
TRIED = tried_by(SANDBOXES, OWN)


@each(*ROW_19)
def test_19_no_one_writes_the_system_or_sees_who_else_runs(
    walled: Walled, wall: Wall, who: str
) -> None:
    walled.check(wall, who)


@pytest.mark.parametrize("who", SANDBOXES)
def test_19_each_writes_where_it_may(walled: Walled, who: str) -> None:
    assert walled.came_of(who, OWN).got == "created"
