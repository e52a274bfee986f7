"""Podman by its command line: for hosts that have not enabled podman.socket."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from psictl.podman.driver_options import driver_option
from psictl.podman.errors import NoSuchSecret, PodmanError, PodmanUnreachable, refused_call
from psictl.podman.interface import CALL_SECONDS, PodmanSecret, is_id, require_name
from psictl.podman.listing import decode_secrets
from psictl.podman.version import Version

_BATCH: Final = 200
"""Ids in one ``inspect``: 5 KiB of arguments, far from the kernel's limit."""


@dataclass(frozen=True, slots=True)
class CommandPodman:
    """The ``podman`` program, as an argument list without a shell.

    ``program`` may carry global options; ``environment`` is the child's, by default ours.
    """

    program: Sequence[str] = ("podman",)
    environment: Mapping[str, str] | None = None
    seconds: float = CALL_SECONDS

    def version(self) -> Version:
        """Return the client's version: without its socket, Podman is client and server in one."""
        reply = self._call("tell its version", ["version", "--format", "{{.Client.Version}}"])
        return Version.parse(reply.decode("utf-8", "replace"))

    def secrets(self) -> list[PodmanSecret]:
        """Return all secrets that PSI could have named.

        ``ls`` gives ids only and ``inspect`` the rest: ``ls --format json`` prints the word
        json (4.3.1 and 5.4.2, tried), and names may hold newlines.
        """
        listed = self._call("list its secrets", ["secret", "ls", "--format", "{{.ID}}"])
        ids = listed.decode("ascii", "replace").split()
        if not all(is_id(name) for name in ids):
            raise PodmanError("`podman secret ls` printed something that is no id: run it to see")
        found: list[PodmanSecret] = []
        for start in range(0, len(ids), _BATCH):
            found += self._inspect(ids[start : start + _BATCH])
        return found

    def inspect(self, name: str) -> PodmanSecret | None:
        """Return the secret of that name without its value, or None."""
        matches = [secret for secret in self._inspect([require_name(name)]) if secret.name == name]
        return matches[0] if matches else None

    def create(self, name: str, payload: bytes, options: Mapping[str, str]) -> str:
        """Create a secret of the shell driver and return its id; raises NameInUse."""
        argv = ["secret", "create", "--driver", "shell"]
        for key, command in options.items():
            argv += ["--driver-opts", driver_option(key, command)]
        doing = f"create secret {require_name(name)}"
        printed = self._call(doing, [*argv, name, "-"], payload)
        # Podman lets the store command's own output through before the id.
        last = printed.decode("ascii", "replace").strip().rpartition("\n")[2]
        if not is_id(last):
            raise PodmanError(f"Podman gave no id for secret {name}: see `podman secret ls`")
        return last

    def remove(self, name: str) -> None:
        """Remove a secret; raises NoSuchSecret."""
        self._call(f"remove secret {require_name(name)}", ["secret", "rm", name])

    def _inspect(self, names: Sequence[str]) -> list[PodmanSecret]:
        done = self._run(["secret", "inspect", *names], b"")
        if done.returncode != 0:
            error = _refused("inspect its secrets", done)
            # One that was removed since the listing is missing; Podman prints the others.
            if not isinstance(error, NoSuchSecret):
                raise error
        return decode_secrets(done.stdout)

    def _call(self, doing: str, argv: Sequence[str], payload: bytes = b"") -> bytes:
        done = self._run(argv, payload)
        if done.returncode != 0:
            raise _refused(doing, done)
        return done.stdout

    def _run(self, argv: Sequence[str], payload: bytes) -> subprocess.CompletedProcess[bytes]:
        whole = [*self.program, *argv]
        try:
            return subprocess.run(
                whole,
                input=payload,
                env=self.environment,
                capture_output=True,
                timeout=self.seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise PodmanUnreachable(
                f"podman {argv[0]} {argv[1]} did not end within {self.seconds:g} s: "
                "a lookup that hangs holds Podman's lock; see `psictl status`"
            ) from error
        except OSError as error:
            raise PodmanUnreachable(
                f"{whole[0]} could not be started ({error.strerror}): install podman 4.3 or later"
            ) from error


def _refused(doing: str, done: subprocess.CompletedProcess[bytes]) -> PodmanError:
    said = done.stderr.decode("utf-8", "replace").strip()
    return refused_call(doing, said or f"exit {done.returncode} without a word")
