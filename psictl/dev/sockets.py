"""Listening sockets that outlive the services: a restart queues callers, it refuses none."""

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from psi.shared.limits import BACKLOG
from psictl.dev.services import Listener, Service
from psictl.layout import Layout

LOWEST_DESCRIPTOR = 100
"""Above what a child gets (3, 4, …), so that moving one down never closes another."""

Sockets = dict[Listener, socket.socket]


@contextlib.contextmanager
def listening(layout: Layout, services: tuple[Service, ...]) -> Iterator[Sockets]:
    """Give every service's sockets, and remove them from the file system at the end."""
    listeners = [listener for service in services for listener in service.listeners]
    with contextlib.ExitStack() as stack:
        sockets = {}
        for listener in listeners:
            path = listener.path(layout)
            sockets[listener] = stack.enter_context(listen(path, listener.mode))
            stack.callback(path.unlink, missing_ok=True)
        yield sockets


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
