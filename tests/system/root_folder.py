"""A Debian root folder, made by mmdebstrap once and kept for all runs."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from tests.system.cache import entry, key_of
from tests.system.programs import run_program
from tests.system.root_files import LINKS, files_of, write_root_files
from tests.system.suite import Suite

MIRROR: Final = os.environ.get("PSI_DEBIAN_MIRROR", "http://deb.debian.org/debian")
BUILD_SECONDS: Final = 900.0
"""About one minute on two cores; a slow mirror takes several."""
_APT_OPTIONS: Final = (
    "APT::Install-Recommends false",
    "Acquire::Retries 3",
    "Acquire::Languages none",
)


def root_folder(suite: Suite, extra: Sequence[str] = ()) -> Path:
    """Return the root folder of a release, with ``extra`` packages; never write into it.

    Its name is a hash of all that it is made from, so another package list makes another.
    """
    packages = (*suite.packages, *extra)
    contents = repr((sorted(files_of(suite).items()), sorted(LINKS.items()), _APT_OPTIONS))
    key = key_of(suite.name, MIRROR, *packages, contents)
    return entry(f"root-{suite.name}", key, partial(_build, suite, packages))


def _build(suite: Suite, packages: Sequence[str], target: Path) -> None:
    run_program(
        [
            "mmdebstrap", "--mode=root", "--variant=minbase", "--quiet",
            *(f"--aptopt={option}" for option in _APT_OPTIONS),
            "--dpkgopt=force-unsafe-io",  # what is half made is made anew
            "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
            f"--include={','.join(packages)}",
            suite.name, str(target), MIRROR,
        ],
        BUILD_SECONDS,
    )  # fmt: skip  # one command line
    write_root_files(suite, target)
