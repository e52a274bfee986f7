"""The sealer process: the key-encryption key, and the only way to the TPM or the HSM.

SECURITY. It holds the key-encryption key and the keyslot file, and may use one device:
/dev/tpmrm0 or one PKCS#11 module. It sees 32-byte data keys; no secret value, name or cache file
ever reaches it, and it has no network. Who owns it can open every file that this host sealed, if
they also get at those files, and has the device's powers: a TPM whose lockout authorisation is
empty can be wiped.
"""

import asyncio
import os
import sys
from functools import partial

import sdnotify

from psi.sealer.assembly import Sealer
from psi.sealer.backends.factory import make_backend
from psi.sealer.config import credentials_folder, load_host_secret, load_pin, load_projection
from psi.sealer.memory import forbid_dumps
from psi.shared.activation import listening_sockets
from psi.shared.errors import PsiError
from psi.shared.lifecycle import Notifier, run_until_stopped
from psi.shared.limits import load_limits
from psi.shared.log import Log, configure_logging
from psi.shared.processes import Process


async def serve() -> None:
    """Serve until SIGTERM, then drain."""
    log = Log(Process.SEALER)
    forbid_dumps(log)
    folder = credentials_folder()
    projection, limits = load_projection(folder), load_limits()
    host_secret = load_host_secret(folder)
    pin = load_pin(folder, projection.pkcs11, log)
    sockets = listening_sockets(frozenset({"broker", "ctl"}))
    maker = partial(make_backend, projection, pin)
    sealer = Sealer(projection, maker, host_secret, pin, limits, log)
    await sealer.serve(sockets)
    notifier: Notifier = sdnotify.SystemdNotifier()
    await run_until_stopped(notifier, limits, log, sealer.drain, healthy=sealer.healthy)


def main() -> int:
    """Run the process; the exit code is 0 after a drain, else the error's own."""
    configure_logging()
    # libtss2 writes to stderr by itself otherwise, unless it is loaded after this.
    os.environ["TSS2_LOG"] = "all+NONE"
    try:
        asyncio.run(serve())
    except PsiError as error:
        Log(Process.SEALER).error("failed", cause=error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
