"""The broker process: mappings, policy, cache, and the only way to Infisical.

SECURITY. It holds the Infisical credentials and tokens, the cached values and the mapping
files. It reaches Infisical over HTTPS. Who owns it has everything that its identities may read
and write, but no TPM or HSM, no other program, no Podman and no other user's files.
"""

import asyncio
import sys
from functools import partial

import sdnotify
import uvloop

from psi.broker.assembly import Broker
from psi.broker.config import credentials_folder, load_projection, read_credential
from psi.shared.activation import listening_sockets
from psi.shared.errors import PsiError
from psi.shared.lifecycle import Notifier, forbid_core_dumps, run_until_stopped
from psi.shared.limits import load_limits
from psi.shared.log import Log, configure_logging
from psi.shared.processes import Process


async def serve() -> None:
    """Serve until SIGTERM, then drain."""
    log = Log(Process.BROKER)
    folder = credentials_folder()
    projection, limits = load_projection(folder), load_limits()
    sockets = listening_sockets(frozenset({"frontend", "pki", "ctl"}))
    broker = Broker(projection, partial(read_credential, folder), limits, log)
    await asyncio.to_thread(broker.load)
    await broker.serve(sockets)
    notifier: Notifier = sdnotify.SystemdNotifier()
    await run_until_stopped(notifier, limits, log, broker.drain, useful=broker.useful)


def main() -> int:
    """Run the process; the exit code is 0 after a drain, else the error's own."""
    configure_logging()
    try:
        forbid_core_dumps()
        uvloop.run(serve())
    except PsiError as error:
        Log(Process.BROKER).error("failed", cause=error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
