"""Choose how to reach Podman: its socket where it answers, else its command."""

import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from psictl.podman.command import CommandPodman
from psictl.podman.errors import PodmanUnreachable
from psictl.podman.interface import Podman
from psictl.podman.rest import PODMAN_SOCKET, RestPodman


def choose_podman(socket: Path = PODMAN_SOCKET, program: Sequence[str] = ("podman",)) -> Podman:
    """Return a Podman that can be called.

    The socket is preferred, since one service is faster than a process for each secret; many
    hosts do not enable it. Raises PodmanUnreachable where there is neither.
    """
    failure = ""
    if _is_socket(socket):
        rest = RestPodman(socket)
        try:
            rest.version()
        except PodmanUnreachable as error:
            failure = f" ({error})"
        else:
            return rest
    if shutil.which(program[0]) is not None:
        return CommandPodman(program)
    raise PodmanUnreachable(
        f"neither Podman's socket {socket}{failure} nor the command {program[0]} is there: "
        "install podman, or systemctl enable --now podman.socket"
    )


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False
