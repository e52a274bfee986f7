"""Listening sockets that outlive the services: a restart queues callers, it refuses none."""

import fcntl
import os
import socket
from pathlib import Path

from psi.shared.limits import BACKLOG
from psictl.dev.services import Listener, Service
from psictl.layout import Layout

LOWEST_DESCRIPTOR = 100
"""Above what a child gets (3, 4, …), so that moving one down never closes another."""


class Sockets:
    """The sockets of the services that run; :meth:`close` removes them from the file system."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._open: dict[Listener, socket.socket] = {}

    def of(self, service: Service) -> dict[str, socket.socket]:
        """Return a service's sockets by their descriptors' names; they are made at first."""
        for listener in service.listeners:
            if listener not in self._open:
                self._open[listener] = listen(listener.path(self._layout), listener.mode)
        return {str(each.caller): self._open[each] for each in service.listeners}

    def drop(self, service: Service) -> None:
        """Refuse callers of a service that is not needed any more."""
        for listener in service.listeners:
            self._remove(listener)

    def close(self) -> None:
        """Close all of them."""
        for listener in list(self._open):
            self._remove(listener)

    def _remove(self, listener: Listener) -> None:
        made = self._open.pop(listener, None)
        if made is not None:
            made.close()
            listener.path(self._layout).unlink(missing_ok=True)


def listen(path: Path, mode: int, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """Return a socket bound to a path with a mode; one left by a host that died is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, kind) as made:
        # The mode must hold from the first moment, not from a chmod on.
        before = os.umask(0o777 & ~mode)
        try:
            made.bind(str(path))
        finally:
            os.umask(before)
        if kind == socket.SOCK_STREAM:
            made.listen(BACKLOG)
        high = fcntl.fcntl(made.fileno(), fcntl.F_DUPFD_CLOEXEC, LOWEST_DESCRIPTOR)
    return socket.socket(fileno=high)
