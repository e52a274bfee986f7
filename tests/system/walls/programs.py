"""Row 17: nothing but the interpreter runs, and nothing that was written becomes a program."""

import pytest

from tests.system.probe.outcome import Attempt, got
from tests.system.walls.wall import SANDBOXES, SERVICES, Wall, all_of, each, tried_by, wall
from tests.system.walls.walled import Walled

TMP, VAR_TMP = "/tmp", "/var/tmp"  # noqa: S108  # each process's own
NO_PROGRAMS = (*SERVICES, "refresh")
ROW_17 = [
    *(
        wall("execute", path, *arguments, walled=all_of(NO_PROGRAMS, "EACCES"))
        for path, *arguments in (
            ("/bin/sh", "-c", "exit 0"),
            ("/usr/bin/true",),
            ("/usr/bin/curl", "--version"),
            ("/usr/bin/podman", "--version"),
        )
    ),
    wall("load", "/usr/bin/true", walled=all_of(NO_PROGRAMS, got("exit 127"))),
    *(
        wall("drop", folder, walled=all_of(SANDBOXES, "EACCES"))
        for folder in (TMP, VAR_TMP, "/dev/shm")  # noqa: S108  # the host's
    ),
    wall("drop", "/var/lib/psi", walled={"broker": "EACCES"}),
    wall("drop", "/var/lib/psi-sealer", walled={"sealer": "EACCES"}),
    wall("drop", "/var/lib/psi-pki", walled={"pki": "EACCES"}),
    wall("drop", "/etc/containers/systemd", walled={"setup": "EACCES"}),
    wall("drop", "/run", walled=all_of(SANDBOXES, "EROFS")),
    wall("library", TMP, walled=all_of(SANDBOXES, "EPERM")),
    wall("library", "/var/lib/psi", walled={"broker": "EPERM"}),
    # The kernel refuses it where systemd can ask it to (prctl(2), PR_SET_MDWE), else a filter.
    wall("rwx", walled=all_of(SANDBOXES, "EACCES"), on_252=all_of(SANDBOXES, "EPERM")),
    wall("mprotect", walled=all_of(SANDBOXES, "EACCES"), on_252=all_of(SANDBOXES, "EPERM")),
    wall("memfd", walled=all_of(SANDBOXES, "EPERM")),
]
WALLS: list[Wall] = ROW_17
TRIED: dict[str, list[Attempt]] = tried_by(NO_PROGRAMS, ("mounts",))
RUNS = ("/usr/lib", "/usr/bin/python3.")
NO_PROGRAM = ("/etc/group", "/etc/passwd", "/etc/ld.so.cache", "/run")
"""Mounts that may lack noexec: of the interpreter, of single files, and of root's own folders with
sockets."""
MAY_WRITE = {
    "frontend": {TMP, VAR_TMP},
    "broker": {TMP, VAR_TMP, "/var/lib/psi"},
    "sealer": {TMP, VAR_TMP, "/var/lib/psi-sealer"},
    "pki": {TMP, VAR_TMP, "/var/lib/psi-pki"},
    "refresh": {TMP, VAR_TMP},
}


@each(*ROW_17)
def test_17_nothing_else_becomes_a_program(walled: Walled, wall: Wall, who: str) -> None:
    walled.check(wall, who)


@pytest.mark.parametrize("who", NO_PROGRAMS)
def test_17_no_mount_can_be_written_and_run(walled: Walled, who: str) -> None:
    mounts: dict[str, list[str]] = walled.came_of(who, ("mounts",)).got
    writable = {path for path, options in mounts.items() if "rw" in options}
    assert writable - {"/proc", "/dev/pts"} == MAY_WRITE[who]
    assert all("noexec" in mounts[path] for path in writable)
    assert all("nosuid" in options for options in mounts.values())
    runnable = {path for path, options in mounts.items() if "noexec" not in options}
    assert [path for path in runnable if not path.startswith((*RUNS, *NO_PROGRAM))] == []
    assert runnable & {"/usr/lib"}
