"""Choose how to reach Podman: its socket where it answers, else its command."""

import os
import shutil
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from psictl.podman.command import CommandPodman
from psictl.podman.errors import PodmanUnreachable
from psictl.podman.interface import Podman
from psictl.podman.rest import PODMAN_SOCKET, RestPodman

_REDIRECTIONS: Final = ("CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF")


def choose_podman(
    socket: Path = PODMAN_SOCKET,
    program: Sequence[str] = ("podman",),
    variables: Mapping[str, str] | None = None,
) -> Podman:
    """Return a Podman that can be called.

    The socket is preferred, since one service is faster than a process for each secret; many
    hosts do not enable it. Where ``variables``, by default the environment, lead the command
    to other files (containers.conf(5), CONTAINERS_CONF), the socket is another Podman's and
    is passed over. Raises PodmanUnreachable where there is neither.
    """
    named = os.environ if variables is None else variables
    redirected = any(name in named for name in _REDIRECTIONS)
    failure = ""
    if not redirected and _is_socket(socket):
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
