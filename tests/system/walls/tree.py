"""Beyond the rows: all that a process sees of the host, so that nothing else is left to try."""

import pytest

from tests.system.walls.wall import SERVICES, Wall
from tests.system.walls.walled import Walled

SEES = (*SERVICES, "refresh")
"""Setup sees the host's own tree, and may write one folder of it."""
JOURNAL = ["journal"]
NOTIFY = ["journal", "notify"]
SYSTEMD_OWN = {"host", "credentials", "incoming"}
"""What systemd puts into /run and /run/systemd of whatever has a root folder; 252 less of it."""
FOLDERS = {
    "/": {
        who: ["bin", "dev", "etc", "home", "lib", "lib64", "proc", "root", "run", "sbin", "sys",
              "tmp", "usr", "var"]
        for who in SEES
    },
    "/dev": {
        who: ["char", "fd", "full", "hugepages", "log", "mqueue", "null", "ptmx", "pts", "random",
              "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero"]
        for who in SEES
    },
    # The last two are empty where the unit does not bind the host's.
    "/etc": {who: ["group", "ld.so.cache", "passwd"] for who in SEES if who != "broker"},
    "/run": {
        "frontend": ["psi-ipc", "systemd"],
        "broker": ["psi-ipc", "systemd"],
        "sealer": ["systemd"],
        "pki": ["psi-ipc", "systemd"],
        "refresh": ["psi-ctl", "systemd"],
    },
    "/run/psi-ipc": {
        "frontend": ["broker-frontend"],
        "broker": ["sealer-broker"],
        "pki": ["broker-pki"],
    },
    "/run/psi-ctl": {"refresh": ["broker.sock"]},
    "/run/systemd": {**dict.fromkeys(SERVICES, NOTIFY), "refresh": JOURNAL},
    "/tmp": {who: [] for who in SEES},  # noqa: S108  # its own
}  # fmt: skip  # lists of names
TRIED = {who: [("list", folder) for folder, of in FOLDERS.items() if who in of] for who in SEES}
WALLS: list[Wall] = []


@pytest.mark.parametrize(
    ("folder", "who"), [(folder, who) for folder, of in FOLDERS.items() for who in of]
)
def test_a_process_sees_no_more_than_this(walled: Walled, folder: str, who: str) -> None:
    seen = walled.came_of(who, ("list", folder)).got
    assert sorted(set(seen) - SYSTEMD_OWN) == FOLDERS[folder][who]
