"""Whether this machine can boot hosts at all; where it cannot, the tests fail and say why."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import Final

from tests.system.cache import scratch_folder
from tests.system.programs import PRIVATE_MOUNTS

SKIP_VARIABLE: Final = "PSI_SKIP_SYSTEM_TESTS"
"""Names of lacks, with commas, or ``all``: the tests are skipped there instead of failing."""
PROGRAMS: Final = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "tar": "tar",
}
"""What runs on the machine, and the Debian package that brings it."""
TRIAL_SECONDS: Final = 30.0
_BRIDGE: Final = "psitesttry"
_CGROUP_TRIAL: Final = (
    "umount -R /sys/fs/cgroup 2>/dev/null || :; mount -t cgroup2 cgroup2 /sys/fs/cgroup"
)
_OVERLAY_TRIAL: Final = """\
folder=$(mktemp -d "$1/.trial.XXXXXX")
trap 'umount "$folder/merged" 2>/dev/null || :; rm -r "$folder"' EXIT
mkdir "$folder/lower" "$folder/upper" "$folder/work" "$folder/merged"
mount -t overlay overlay "$folder/merged" \\
    -o "lowerdir=$folder/lower,upperdir=$folder/upper,workdir=$folder/work,redirect_dir=on"
: >"$folder/merged/file"
"""
_BRIDGE_TRIAL: Final = f"ip link add {_BRIDGE}$$ type bridge; ip link delete {_BRIDGE}$$"


@dataclass(frozen=True, slots=True)
class Lack:
    """What this machine lacks: a name to skip it by, and the cause with its remedy."""

    name: str
    reason: str


@cache
def lack() -> Lack | None:
    """Return the first thing that keeps this machine from booting a host, or None."""
    if os.geteuid() != 0:
        return Lack("root", "booting a host needs root: run the tests as root")
    missing = sorted({package for name, package in PROGRAMS.items() if shutil.which(name) is None})
    if missing:
        return Lack("programs", f"apt-get install --no-install-recommends {' '.join(missing)}")
    trials = (
        ("cgroup2", _CGROUP_TRIAL, "cgroup2 cannot be mounted in a mount namespace of its own"),
        ("overlay", _OVERLAY_TRIAL, "no overlay on the cache's file system: set XDG_CACHE_HOME"),
        ("bridge", _BRIDGE_TRIAL, "no network bridge can be made"),
    )
    for name, script, reason in trials:
        argv = [*PRIVATE_MOUNTS, "/bin/sh", "-euc", script, "sh", str(scratch_folder())]
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=TRIAL_SECONDS, check=False
        )
        if done.returncode != 0:
            return Lack(name, f"{reason} ({done.stderr.strip()})")
    return None


def may_skip(found: Lack, variable: str) -> bool:
    """Tell whether the variable's value names this lack."""
    return bool({"all", found.name} & {name.strip() for name in variable.split(",")})
