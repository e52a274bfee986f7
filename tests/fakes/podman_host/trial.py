"""Whether real Podman can run here, found out by running a container."""

import os
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Final

from tests.fakes.podman_host.host import SHORT_FOLDER, PodmanHost
from tests.fakes.podman_host.image import CannotRun, import_busybox

PROGRAMS: Final = {
    "podman": "podman",
    "crun": "crun",
    "conmon": "conmon",
    "busybox": "busybox-static",
    "unshare": "util-linux",
    "curl": "curl",
}
"""What must be on PATH, and the Debian package that brings it."""


def missing_packages(path: str | None = None) -> list[str]:
    """Return the Debian packages whose program is not on the path, by default ours."""
    return [package for name, package in PROGRAMS.items() if shutil.which(name, path=path) is None]


@lru_cache(maxsize=1)
def why_not() -> str | None:
    """Return why Podman cannot run here, with what to do, or None where it can.

    A trial takes half a second and is made once in a process.
    """
    if os.geteuid() != 0:
        return "Podman's trial needs root: run it as root"
    missing = missing_packages()
    if missing:
        return f"missing: apt-get install --no-install-recommends {' '.join(missing)}"
    with tempfile.TemporaryDirectory(prefix="psi-podman-", dir=SHORT_FOLDER) as folder:
        try:
            _try(PodmanHost.create(Path(folder)))
        except CannotRun as error:
            return str(error)
    return None


def _try(host: PodmanHost) -> None:
    import_busybox(host)
    done = host.run_container([], ["true"])
    if done.returncode != 0:
        raise CannotRun(
            f"a container does not start: {done.stderr.decode(errors='replace').strip()}"
        )
