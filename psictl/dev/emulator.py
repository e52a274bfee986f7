"""Finds and runs the programs of an emulator; one that is missing is told with its package."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

from psi.shared.errors import ConfigError, PsiError
from psi.shared.names import printable

RUN_SECONDS: Final = 60.0
"""To make a token or a key: tenths of a second, and more on a busy machine."""


def find_program(name: str, packages: str) -> str:
    """Return a program's path; raises ConfigError saying what to install."""
    found = shutil.which(name)
    if found is None:
        raise missing(name, packages)
    return found


def missing(what: str, packages: str) -> ConfigError:
    """Return the error for an emulator that is not installed."""
    return ConfigError(f"--sealer needs {what}, which is not here: apt-get install {packages}")


def run_program(argv: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run a program to its end; raises PsiError with the last line that it said."""
    try:
        done = subprocess.run(
            argv,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=RUN_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PsiError(f"{argv[0]} did not run ({type(error).__name__}); run it by hand") from error
    if done.returncode != 0:
        lines = done.stdout.decode("utf-8", "replace").strip().splitlines() or ["nothing"]
        raise PsiError(
            f"{argv[0]} failed and said: {printable(lines[-1], 200)}; remove the dev-device folder "
            "to begin anew"
        )
