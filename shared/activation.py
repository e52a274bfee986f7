"""Listening sockets as systemd passes them: the role is the descriptor's, never a message's.

sd_listen_fds(3): LISTEN_PID names us, LISTEN_FDS counts from descriptor 3, LISTEN_FDNAMES holds
the names. No service makes a listening socket of its own.
"""

import os
import socket
from collections.abc import Mapping

from psi.shared.errors import ConfigError

_FIRST_DESCRIPTOR = 3


def listening_sockets(
    expected: frozenset[str], environment: Mapping[str, str] | None = None
) -> dict[str, socket.socket]:
    """Return the passed sockets by name; every expected name exactly once and no other.

    Raises ConfigError: a missing or unknown name means that unit files and code differ, and a
    socket that nobody checks must not be served.
    """
    environment = os.environ if environment is None else environment
    remedy = "start the service by its systemd sockets or by psictl dev"
    if environment.get("LISTEN_PID") != str(os.getpid()):
        raise ConfigError(f"no listening sockets were passed to this process; {remedy}")
    counted = environment.get("LISTEN_FDS", "0")
    count = int(counted) if counted.isascii() and counted.isdigit() else 0
    names = environment.get("LISTEN_FDNAMES", "").split(":") if count else []
    if len(names) != count or len(set(names)) != count or set(names) != expected:
        found = ", ".join(names) or "none"
        raise ConfigError(
            f"expected the sockets {', '.join(sorted(expected))}, got {found}; {remedy}"
        )
    return {name: _adopt(_FIRST_DESCRIPTOR + index) for index, name in enumerate(names)}


def _adopt(descriptor: int) -> socket.socket:
    try:
        os.set_inheritable(descriptor, False)
        adopted = socket.socket(fileno=descriptor)
        listening = adopted.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise ConfigError(f"descriptor {descriptor} is no socket: {error.strerror}") from error
    kind = (adopted.family, adopted.type)
    if kind != (socket.AF_UNIX, socket.SOCK_STREAM) or not listening:
        raise ConfigError(f"descriptor {descriptor} is no listening Unix stream socket")
    adopted.setblocking(False)
    return adopted
