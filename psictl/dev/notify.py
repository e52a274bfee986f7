"""Hears READY=1 as systemd does: a datagram, believed by the pid that the kernel puts on it."""

import contextlib
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from psictl.dev.sockets import listen

_UCRED = struct.Struct("iII")
_MAX_DATAGRAM = 4096
"""sd_notify(3) messages have a few words."""


class ReadyListener:
    """The socket that NOTIFY_SOCKET names."""

    def __init__(self, path: Path) -> None:
        self._socket = listen(path, 0o600, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.setblocking(False)
        self.path = path

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._socket.fileno()

    def ready_pids(self) -> Iterator[int]:
        """Yield the pid of each process that said READY since the last call."""
        with contextlib.suppress(BlockingIOError):
            while True:
                pid = self._receive()
                if pid is not None:
                    yield pid

    def _receive(self) -> int | None:
        room = socket.CMSG_SPACE(_UCRED.size)
        data, ancillary, _, _ = self._socket.recvmsg(_MAX_DATAGRAM, room)
        for level, kind, content in ancillary:
            credentials = (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS)
            if credentials and b"READY=1" in data.split(b"\n"):
                return int(_UCRED.unpack(content)[0])
        return None

    def close(self) -> None:
        """Close the socket and remove its file."""
        self._socket.close()
        self.path.unlink(missing_ok=True)
