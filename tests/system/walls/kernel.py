"""Row 18: no capability, and none of what the kernel lets the privileged do."""

import pytest

from tests.system.probe.outcome import got
from tests.system.walls.wall import (
    NO_NETWORK,
    ROOT,
    SANDBOXES,
    SERVICES,
    Wall,
    all_of,
    each,
    tried_by,
    wall,
)
from tests.system.walls.walled import Walled

NONE = "0000000000000000"
TMP = "/tmp"  # noqa: S108  # each process's own
STATUS = {
    "CapBnd": NONE, "CapEff": NONE, "CapPrm": NONE, "NoNewPrivs": "1", "Seccomp": "2",
}  # fmt: skip  # a list of words
NAMESPACES = ("user", "mount", "net", "pid", "uts", "ipc", "cgroup")
FORBIDDEN = (
    ("setns", "/proc/self/ns/net"), ("mount", TMP, TMP), ("ptrace",), ("keyctl",), ("uring",),
    ("userfaultfd",), ("hostname",), ("chroot",), ("realtime",), ("personality",),
    ("become", 0), ("become", 65534), ("setuid", TMP), ("own", TMP), ("node", TMP),
)  # fmt: skip  # a list of attempts
ROW_18 = [
    *(wall("field", name, walled=all_of(SANDBOXES, got(value))) for name, value in STATUS.items()),
    *(wall("unshare", name, walled=all_of(SANDBOXES, "EPERM")) for name in NAMESPACES),
    *(wall(*attempt, walled=all_of(SANDBOXES, "EPERM")) for attempt in FORBIDDEN),
]
WALLS: list[Wall] = ROW_18
OWN = {
    "ipc": SANDBOXES,
    "mnt": SANDBOXES,
    "net": NO_NETWORK,
    "user": ("frontend", "pki"),
    "uts": SANDBOXES,
}
"""Namespaces, and who is alone in one. The broker and the sealer see their peers' real uid."""
TRIED = tried_by(
    (*SANDBOXES, ROOT, "uid nobody"),
    ("identity",),
    ("mask",),
    *(("namespace", name) for name in OWN),
)


@each(*ROW_18)
def test_18_no_one_has_a_capability_or_a_way_to_one(walled: Walled, wall: Wall, who: str) -> None:
    walled.check(wall, who)


@pytest.mark.parametrize("name", OWN)
def test_18_no_one_shares_a_namespace(walled: Walled, name: str) -> None:
    """Each has another than the host; the kernel gives the number of an ended one again."""
    shared = walled.came_of(ROOT, ("namespace", name)).got
    assert shared not in {walled.came_of(who, ("namespace", name)).got for who in OWN[name]}
    assert walled.came_of("uid nobody", ("namespace", name)).got == shared


def test_18_what_a_service_writes_is_its_own(walled: Walled) -> None:
    found = {who: walled.came_of(who, ("mask",)).got for who in (*SANDBOXES, ROOT)}
    assert found == dict.fromkeys(found, "0077") | {"setup": "0022", ROOT: "0022"}


def test_18_each_service_is_a_user_of_its_own_in_no_other_group(walled: Walled) -> None:
    found = {name: walled.came_of(name, ("identity",)).got for name in SERVICES}
    assert len({identity["uid"] for identity in found.values()}) == len(SERVICES)
    for name, identity in found.items():
        assert identity["uid"] == walled.uid_of(name)
        assert identity["groups"] == []
