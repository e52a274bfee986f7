"""Debian's kernel for virtual machines: TPM, NVMe, ext4 and virtio-serial are built into it."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from tests.system.cache import cache_folder, entry, key_of
from tests.system.pip_settings import shown_paths
from tests.system.programs import PRIVATE_MOUNTS, run_program
from tests.system.root_folder import MIRROR, root_folder
from tests.system.suite import Suite

HERE: Final = Path(__file__).resolve().parent
_CHROOT: Final = HERE.parent / "chroot.sh"
_RECIPE: Final = HERE / "kernel.sh"
DOWNLOAD_SECONDS: Final = 300.0
"""Package lists and 35 MB: three seconds beside a mirror."""


def kernel(suite: Suite) -> Path:
    """Return the release's kernel; downloaded once and kept."""
    root = root_folder(suite)
    key = key_of(suite.name, MIRROR, _RECIPE.read_bytes())
    return entry(f"kernel-{suite.name}", key, partial(_download, root)) / "vmlinuz"


def _download(root: Path, target: Path) -> None:
    shown = [f"{path}={path}" for path in shown_paths({})]
    with tempfile.TemporaryDirectory(prefix=".kernel-", dir=cache_folder()) as folder:
        run_program(
            [
                *PRIVATE_MOUNTS, "--pid", "--fork", "--kill-child",
                "/bin/sh", str(_CHROOT), str(root), folder,
                *shown, f"{target}=+/kernel", f"{_RECIPE}=/srv/kernel.sh",
                "--", "/bin/sh", "/srv/kernel.sh", "/kernel",
            ],
            DOWNLOAD_SECONDS,
        )  # fmt: skip  # one command line
