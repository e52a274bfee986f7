"""Runs the machine's programs for the tests, so that none outlives them."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

ENDS_WITH_US: Final = ("setpriv", "--pdeathsig", "KILL", "--")
"""Whatever ends the test run, SIGKILL too, ends the child."""
PRIVATE_MOUNTS: Final = ("unshare", "--mount", "--propagation", "private")


class ProgramFailed(AssertionError):
    """A program of the machine failed; the text has its end of output."""


def run_program(
    argv: Sequence[str], seconds: float, environment: Mapping[str, str] | None = None
) -> str:
    """Run a program to its end and return its stdout; ``seconds`` bounds it.

    Raises:
        ProgramFailed: when it exits with another code than 0 or takes longer.

    """
    try:
        done = subprocess.run(
            [*ENDS_WITH_US, *argv],
            env=None if environment is None else dict(os.environ) | dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ProgramFailed(f"{' '.join(argv)[:300]}: not done after {seconds:g} s") from error
    if done.returncode != 0:
        told = (done.stdout + done.stderr)[-3000:]
        raise ProgramFailed(f"{' '.join(argv)[:300]}: exit code {done.returncode}\n{told}")
    return done.stdout
