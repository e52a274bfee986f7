"""The frontend process: HTTP on psi.sock for Podman's secret driver.

SECURITY. It holds nothing: no configuration, credential or state. It reaches psi.sock and the
broker's lookup socket. Who owns it sees every value in flight and decides what Podman receives,
until it is stopped; it cannot list ids, name a coordinate outside the configured workloads, or
reach the network, a file or another program.
"""

import sys

import sdnotify
import uvloop

from psi.frontend.application import Application
from psi.frontend.broker_link import BROKER_SOCKET, BrokerLink
from psi.shared.activation import listening_sockets
from psi.shared.errors import PsiError
from psi.shared.lifecycle import Notifier, forbid_core_dumps, run_until_stopped, socket_path
from psi.shared.limits import load_limits
from psi.shared.log import Log, configure_logging
from psi.shared.processes import Process


async def serve() -> None:
    """Serve until SIGTERM, then drain."""
    log = Log(Process.FRONTEND)
    limits = load_limits()
    listening = listening_sockets(frozenset({"http"}))["http"]
    link = BrokerLink(socket_path(BROKER_SOCKET), limits, log)
    application = Application(listening, link, limits, log)
    notifier: Notifier = sdnotify.SystemdNotifier()
    await run_until_stopped(notifier, limits, log, application.drain)


def main() -> int:
    """Run the process; the exit code is 0 after a drain, else the error's own."""
    configure_logging()
    try:
        forbid_core_dumps()
        uvloop.run(serve())
    except PsiError as error:
        Log(Process.FRONTEND).error("failed", cause=error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
