"""Who is at the other end of a Unix socket, by the kernel's word.

SO_PEERCRED is a snapshot of connect time: authorise by uid, never by pid. Under socket
activation a client sees the server as pid 1, so only servers check; a client trusts the
root-owned folder of the socket (systemd.socket(5); tried on 252 and 257).
"""

import os
import pwd
import socket
import struct
from typing import NamedTuple, Protocol

from psi.shared.errors import ConfigError
from psi.shared.processes import Process

_SO_PEERPIDFD = 77
"""include/uapi/asm-generic/socket.h, Linux 6.5 and later; Python 3.11 has no name for it."""
_UCRED = struct.Struct("iII")
DEVELOPMENT_UID = "PSI_DEV_PEER_UID"
"""Set by ``psictl dev`` alone: its services all run as the caller, so peers do too."""


class HasSocketOptions(Protocol):
    """A socket, or what a transport gives for one."""

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
        """Return the raw option."""
        ...


class Peer(NamedTuple):
    """Credentials of the process that connected."""

    pid: int
    uid: int
    gid: int


def peer_of(connection: HasSocketOptions) -> Peer:
    """Return the credentials of a connected peer (unix(7), SO_PEERCRED)."""
    return Peer(*_UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)))


def peer_pidfd(connection: HasSocketOptions) -> int | None:
    """Return a pidfd of the peer, which names it without a race, or None before Linux 6.5.

    The caller closes it. Raises nothing: a peer that is gone gives None, or on newer kernels
    (6.18 tried) a pidfd that is readable, as of any process that ended.
    """
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD, 4)
    except OSError:
        return None
    return int.from_bytes(raw, byteorder="little", signed=True)


def accepted_uids(caller: Process) -> frozenset[int]:
    """Return the uids that may connect in a role: its user and root.

    Raises ConfigError where the user does not exist.
    """
    development = os.environ.get(DEVELOPMENT_UID)
    if development is not None:
        return frozenset({int(development)})
    if caller.user == "root":
        # By number: the frontend's sandbox has no /etc/passwd.
        return frozenset({0})
    try:
        return frozenset({0, pwd.getpwnam(caller.user).pw_uid})
    except KeyError as error:
        raise ConfigError(f"there is no user {caller.user}; run systemd-sysusers") from error
