"""The host that is installed on, as far as the installer changes more of it than files."""

import pwd
import re
import subprocess
from collections.abc import Sequence
from typing import Final, Protocol

from psi.shared.errors import PsiError
from psi.shared.processes import Process
from psictl.apply.systemctl import Systemctl
from psictl.install.programs import last_words, run

OLDEST_SYSTEMD: Final = 252
"""Debian 12's; taken where none is installed, so that nothing newer is written."""
TARGET: Final = "psi.target"
RESTART_ORDER: Final = (Process.SEALER, Process.BROKER, Process.PKI, Process.FRONTEND)
"""A process restarts before those that ask it, so that each finds it new."""
_FEED_SECONDS: Final = 90
"""For programs that make a few users or folders; a directory service may be slow to answer."""


class Host(Protocol):
    """What users, folders and services are changed by."""

    def booted(self) -> bool:
        """Whether systemd runs it; not so in a chroot."""
        ...

    def make_users(self, text: str) -> None:
        """Make the users that are missing (sysusers.d(5)); raises PsiError."""
        ...

    def make_folders(self, text: str) -> None:
        """Make the folders that are missing (tmpfiles.d(5)); raises PsiError."""
        ...

    def reload(self) -> None:
        """Have all units read again; raises PsiError."""
        ...

    def states(self, units: Sequence[str]) -> dict[str, str]:
        """Return each unit's ActiveState; raises PsiError."""
        ...

    def restart(self, unit: str) -> None:
        """Restart a unit, and wait until it is active; raises PsiError."""
        ...

    def start(self, units: Sequence[str]) -> None:
        """Start units with what they want, and wait until they are active; raises PsiError."""
        ...

    def stop(self, units: Sequence[str]) -> None:
        """Stop units, in one transaction; raises PsiError."""
        ...

    def disable(self, units: Sequence[str]) -> None:
        """Take units out of the boot; raises PsiError."""
        ...

    def remove_user(self, name: str) -> bool:
        """Remove a user; return whether there was one. Raises PsiError."""
        ...


class ThisHost(Systemctl):
    """The machine itself."""

    def make_users(self, text: str) -> None:
        """Make the users that are missing (systemd-sysusers(8)); raises PsiError."""
        _feed(["systemd-sysusers", "-"], text, "the users could not be made")

    def make_folders(self, text: str) -> None:
        """Make the folders that are missing (systemd-tmpfiles(8)); raises PsiError."""
        _feed(["systemd-tmpfiles", "--create", "-"], text, "the folders could not be made")

    def disable(self, units: Sequence[str]) -> None:
        """Take units out of the boot; raises PsiError."""
        run(["systemctl", "disable", "--quiet", "--", *units], "the units could not be disabled")

    def remove_user(self, name: str) -> bool:
        """Remove a user; return whether there was one. Raises PsiError."""
        try:
            pwd.getpwnam(name)
        except KeyError:
            return False
        run(["userdel", name], f"the user {name} could not be removed")
        return True


def systemd_version() -> int | None:
    """Return the version of this machine's systemd, None where it has none."""
    try:
        said = run(["systemctl", "--version"], "")
    except PsiError:
        return None
    found = re.match(r"systemd ([0-9]+)", said)
    return int(found[1]) if found else None


def active(host: Host, services: Sequence[str]) -> list[str]:
    """Return the processes' services that run, of the given ones, in the order of restarts."""
    wanted = [process.unit for process in RESTART_ORDER if process.unit in services]
    states = host.states(wanted)
    return [unit for unit in wanted if states[unit] == "active"]


def _feed(argv: list[str], text: str, failed: str) -> None:
    try:
        done = subprocess.run(
            argv, input=text.encode(), capture_output=True, timeout=_FEED_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PsiError(f"{failed}: {argv[0]} did not run ({error})") from error
    if done.returncode != 0:
        raise PsiError(f"{failed}: {last_words(done.stderr)}")
