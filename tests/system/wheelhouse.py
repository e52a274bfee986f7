"""The wheels that a host installs from: there is no network where the tests boot it."""

import sys
import tempfile
import tomllib
from functools import partial
from pathlib import Path
from typing import Final

from tests.system.cache import entry, key_of, scratch_folder
from tests.system.checkout import snapshot, unpack
from tests.system.pip_settings import pip_environment, shown_paths
from tests.system.programs import PRIVATE_MOUNTS, run_program
from tests.system.root_folder import root_folder
from tests.system.suite import Suite

HERE: Final = Path(__file__).resolve().parent
BUILD_SECONDS: Final = 900.0
"""About one minute: compiling tpm2-pytss is most of it, a slow network adds to it."""
OWN_SECONDS: Final = 120.0


def requirements() -> list[str]:
    """Return all that PSI's processes need, from pyproject.toml."""
    project = tomllib.loads(snapshot()["pyproject.toml"][1].decode())["project"]
    wanted = set(project["dependencies"])
    for name, dependencies in project["optional-dependencies"].items():
        if name != "test":
            wanted.update(dependencies)
    return sorted(wanted)


def third_party_wheels(suite: Suite) -> Path:
    """Return the folder of all wheels but PSI's own, built for this release's Python."""
    recipes = ((HERE / "wheels.sh").read_bytes(), snapshot()["scripts/wheelhouse"][1])
    key = key_of(suite.name, *recipes, *suite.compiler, *requirements())
    return entry(f"wheels-{suite.name}", key, partial(_build, suite))


def _build(suite: Suite, target: Path) -> None:
    root = root_folder(suite)
    environment = pip_environment()
    shown = [f"{path}={path}" for path in shown_paths(environment)]
    with (
        tempfile.TemporaryDirectory(prefix=".chroot-", dir=scratch_folder()) as folder,
        tempfile.TemporaryDirectory(prefix="psi-source-") as source,
    ):
        unpack(Path(source))
        run_program(
            [
                *PRIVATE_MOUNTS, "--pid", "--fork", "--kill-child",
                "/bin/sh", str(HERE / "chroot.sh"), str(root), folder,
                *shown, f"{target}=+/wheels", f"{source}=/srv/psi",
                f"{HERE / 'wheels.sh'}=/srv/wheels.sh",
                "--", "/bin/sh", "/srv/wheels.sh", *suite.compiler,
            ],
            BUILD_SECONDS,
            environment,
        )  # fmt: skip  # one command line


def build_own_wheel(target: Path) -> None:
    """Build PSI's own wheel from the checkout's snapshot into a folder."""
    with tempfile.TemporaryDirectory(prefix="psi-wheel-") as folder:
        unpack(Path(folder))
        run_program(
            [
                sys.executable, "-m", "build", "--wheel", "--no-isolation",
                "--outdir", str(target), folder,
            ],
            OWN_SECONDS,
        )  # fmt: skip  # one command line
