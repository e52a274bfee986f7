"""systemd, as far as the installer uses it: its version, users, folders, reload and restarts."""

import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from psi.shared.errors import PsiError
from psi.shared.processes import Process
from psictl.install.programs import last_words, run, succeeds

BOOTED: Final = Path("/run/systemd/system")
"""There only where systemd is the service manager (sd_booted(3))."""
OLDEST: Final = 252
"""Debian 12's; what is assumed where none is installed, so that no newer directive is written."""
RESTART_ORDER: Final = (Process.SEALER, Process.BROKER, Process.PKI, Process.FRONTEND)
"""A process restarts before those that ask it, so that each finds it new."""
RESTART_SECONDS: Final = 150
"""The broker may take 10 s to stop and 75 s to be ready; and as long again on a slow host."""
_RELOAD_SECONDS: Final = 90
"""systemd's own timeout for its generators (systemd.generator(7))."""


def systemd_version() -> int | None:
    """Return the version of this machine's systemd, None where it has none."""
    try:
        said = run(["systemctl", "--version"], "")
    except PsiError:
        return None
    found = re.match(r"systemd ([0-9]+)", said)
    return int(found[1]) if found else None


def is_booted(folder: Path = BOOTED) -> bool:
    """Whether systemd runs this machine; not so in a chroot."""
    return folder.is_dir()


def make_users(text: str) -> None:
    """Make the users that are missing (systemd-sysusers(8)); raises PsiError."""
    _feed(["systemd-sysusers", "-"], text, "the users could not be made")


def make_folders(text: str) -> None:
    """Make the folders that are missing (systemd-tmpfiles(8)); raises PsiError."""
    _feed(["systemd-tmpfiles", "--create", "-"], text, "the folders could not be made")


def reload() -> None:
    """Let systemd read the units again; raises PsiError."""
    run(["systemctl", "daemon-reload"], "systemd was not reloaded", seconds=_RELOAD_SECONDS)


def active(units: Iterable[str]) -> list[str]:
    """Return which of the units are active."""
    return [unit for unit in units if succeeds(["systemctl", "is-active", "--quiet", unit])]


def restart_order(installed: Iterable[str]) -> list[str]:
    """Return the services of the processes that are installed, in the order of restarts."""
    there = set(installed)
    return [process.unit for process in RESTART_ORDER if process.unit in there]


def restart(units: Iterable[str], tell: Callable[[str], None]) -> list[str]:
    """Restart what is active, one after the other; return the names.

    Raises PsiError at the first that does not come up again; the others go on as they are.
    """
    restarted = active(units)
    for unit in restarted:
        tell(f"restarting {unit}")
        run(
            ["systemctl", "restart", unit],
            f"{unit} did not come up with the new version (journalctl -u {unit}); when the cause "
            "is gone, run psictl install again",
            seconds=RESTART_SECONDS,
        )
    return restarted


def stop_and_disable(units: Iterable[str]) -> None:
    """Stop units in one transaction and take them out of the boot; raises PsiError."""
    names = list(units)
    if is_booted():
        run(
            ["systemctl", "stop", *names], "the units could not be stopped", seconds=RESTART_SECONDS
        )
    run(["systemctl", "disable", "--quiet", *names], "the units could not be disabled")


def _feed(argv: list[str], text: str, failed: str) -> None:
    try:
        done = subprocess.run(
            argv, input=text.encode(), capture_output=True, timeout=_RELOAD_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PsiError(f"{failed}: {argv[0]} did not run ({error})") from error
    if done.returncode != 0:
        raise PsiError(f"{failed}: {last_words(done.stderr)}")
