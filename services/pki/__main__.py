"""The pki process: the home of TLS private keys and certificates, which it does not open yet.

SECURITY. It holds no certificate, no credential and no configuration, and it asks the broker for
a sign of life alone. It reaches its control socket and the broker's certificate socket, on which
no secret can be named. Who owns it can tell psictl a false status, and take the few connections
that the broker keeps for it; it has no network, no other program, no D-Bus and no device.
"""

import asyncio
import sys

import sdnotify

from psi.pki.assembly import Pki
from psi.pki.broker_link import BROKER_SOCKET, BrokerLink
from psi.shared.activation import listening_sockets
from psi.shared.errors import PsiError
from psi.shared.lifecycle import Notifier, forbid_core_dumps, run_until_stopped, socket_path
from psi.shared.limits import load_limits
from psi.shared.log import Log, configure_logging
from psi.shared.processes import Process


async def serve() -> None:
    """Serve until SIGTERM, then drain."""
    log = Log(Process.PKI)
    limits = load_limits()
    sockets = listening_sockets(frozenset({"ctl"}))
    pki = Pki(BrokerLink(socket_path(BROKER_SOCKET), limits, log), limits, log)
    await pki.serve(sockets)
    notifier: Notifier = sdnotify.SystemdNotifier()
    await run_until_stopped(notifier, limits, log, pki.drain)


def main() -> int:
    """Run the process; the exit code is 0 after a drain, else the error's own."""
    configure_logging()
    try:
        forbid_core_dumps()
        asyncio.run(serve())
    except PsiError as error:
        Log(Process.PKI).error("failed", cause=error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
