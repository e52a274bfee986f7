"""Commands and conditions in the guest, each with a deadline."""

import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Final

RUN_SECONDS: Final = 240.0
"""Everything is ten times slower in software, and other tests take the rest of the machine."""
WAIT_SECONDS: Final = 240.0
_POLL_SECONDS: Final = 0.1


def run(
    argv: Sequence[str],
    text: str | None = None,
    *,
    check: bool = True,
    seconds: float = RUN_SECONDS,
) -> "subprocess.CompletedProcess[str]":
    """Run a command with ``text`` as its stdin.

    Raises:
        AssertionError: with ``check``, when it exits with another code than 0; it has the output.

    """
    done = subprocess.run(
        argv, input=text or "", capture_output=True, text=True, timeout=seconds, check=False
    )
    if check and done.returncode != 0:
        told = f"{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
        raise AssertionError(f"{' '.join(argv)}: exit code {done.returncode}\n{told}")
    return done


def wait(condition: Callable[[], object], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Return when the condition holds.

    Raises:
        AssertionError: naming ``what`` did not come.

    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s for {what}")
        time.sleep(_POLL_SECONDS)


def show(unit: str, *names: str) -> dict[str, str]:
    """Return properties of a unit; one that is told several times has its lines joined."""
    told = run(["systemctl", "show", f"--property={','.join(names)}", unit]).stdout
    found: dict[str, str] = dict.fromkeys(names, "")
    for line in told.splitlines():
        name, _, value = line.partition("=")
        found[name] = f"{found[name]}\n{value}" if found[name] else value
    return found


def is_active(unit: str) -> bool:
    """Tell whether a unit is active."""
    return run(["systemctl", "is-active", "--quiet", unit], check=False).returncode == 0
