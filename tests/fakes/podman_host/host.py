"""A Podman with a state of its own, for tests and the demo: the host's is never touched.

Everything that makes it private stands in two files named by CONTAINERS_CONF and
CONTAINERS_STORAGE_CONF, so that a plain ``podman run IMAGE`` works in that environment, once
it runs below the script ``podman-host``.
"""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SCRIPT: Final = Path(__file__).with_name("podman-host")
IMAGE: Final = "localhost/psi-busybox:latest"
SHORT_FOLDER: Final = "/tmp"  # noqa: S108  # a private folder is made in it
MAX_FOLDER: Final = 40
"""Below a folder of 69 characters conmon cannot be watched, and each run takes 20 s more."""
RUN_SECONDS: Final = 60
"""A container run takes 0.3 s here; a busy two-core machine may need many times that."""

# nofile and nproc: without CAP_SYS_RESOURCE Podman cannot raise them ("setrlimit").
# lock_type: the default keeps its locks in /dev/shm, shared with the host's own Podman.
_CONTAINERS_CONF: Final = """\
[containers]
cgroups = "disabled"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "none"
log_driver = "k8s-file"

[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "{folder}/tmp"
"""
_STORAGE_CONF: Final = """\
[storage]
driver = "vfs"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""


@dataclass(frozen=True, slots=True)
class PodmanHost:
    """A folder that holds Podman's configuration, images, containers and secrets."""

    folder: Path

    @classmethod
    def create(cls, folder: Path, secrets_conf: str = "") -> "PodmanHost":
        """Write the configuration; ``secrets_conf`` is more TOML, such as ``[secrets.opts]``."""
        if len(str(folder)) > MAX_FOLDER:
            raise ValueError(f"{folder} is longer than {MAX_FOLDER} characters: use {SHORT_FOLDER}")
        text = _CONTAINERS_CONF.format(folder=folder) + "\n" + secrets_conf
        (folder / "containers.conf").write_text(text)
        (folder / "storage.conf").write_text(_STORAGE_CONF.format(folder=folder))
        return cls(folder)

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables that lead Podman to this folder."""
        return {
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
        }

    @property
    def environment(self) -> dict[str, str]:
        """A whole environment for a child: ours and the variables."""
        return dict(os.environ) | self.variables

    @property
    def program(self) -> list[str]:
        """The words that start Podman."""
        return [str(SCRIPT), "podman"]

    def podman(
        self, *arguments: str, payload: bytes = b"", seconds: float = RUN_SECONDS
    ) -> subprocess.CompletedProcess[bytes]:
        """Run Podman to its end; the caller looks at the exit code."""
        return subprocess.run(
            [*self.program, *arguments],
            input=payload,
            env=self.environment,
            capture_output=True,
            timeout=seconds,
            check=False,
        )

    def run_container(
        self, options: Sequence[str], command: Sequence[str]
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a container of the busybox image that is removed when it ends."""
        return self.podman("run", "--rm", *options, IMAGE, *command)
