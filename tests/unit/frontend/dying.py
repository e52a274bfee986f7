"""The real frontend over a socket that dies: after so many bytes of its first reply it is killed.

Run as a program with a range of byte counts. For each it forks, so that one start of the
interpreter serves them all: the i-th connection meets the i-th count. The sockets are passed as
systemd passes them, one at descriptor 3.
"""

import asyncio
import os
import signal
import socket
import sys
from typing import Any

import uvloop

from psi.frontend.application import Application
from psi.frontend.broker_link import BROKER_SOCKET, BrokerLink
from psi.shared.lifecycle import socket_path
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.processes import Process


class DyingSocket(socket.socket):
    """Sends so many bytes, then ends the process as kill -9 does."""

    left = 0

    def send(self, data: Any, flags: int = 0, /) -> int:
        """Send what is left, and die when it is less than was asked."""
        view = memoryview(data)
        sent = super().send(view[: self.left], flags) if self.left else 0
        self.left -= sent
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return sent


class DyingListener(socket.socket):
    """Accepts sockets that die."""

    left = 0

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept one."""
        accepted, address = super().accept()
        dying = DyingSocket(fileno=accepted.detach())
        dying.left = self.left
        return dying, address


async def serve(count: int) -> None:
    """Serve until death."""
    listener = DyingListener(fileno=os.dup(3))
    listener.setblocking(False)
    listener.left = count
    limits, log = Limits(), Log(Process.FRONTEND)
    link = BrokerLink(socket_path(BROKER_SOCKET), limits, log)
    application = Application(listener, link, limits, log)
    await asyncio.Event().wait()
    del application


def main(counts: range) -> None:
    """Fork a frontend for each count, one after the other."""
    for count in counts:
        child = os.fork()
        if child == 0:
            uvloop.run(serve(count))
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(range(*map(int, sys.argv[1:])))
