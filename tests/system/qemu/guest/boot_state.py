"""The boot state changed: PCR 7 is extended, as a change of Secure Boot's keys does."""

import hashlib
import json
from typing import Any, Final

from tests.system.qemu.guest.commands import is_active, run, wait
from tests.system.qemu.guest.host import cache_status

PCR: Final = 7


def read_pcr() -> str:
    """Return the register's value."""
    told = run(["tpm2_pcrread", "-T", "device:/dev/tpmrm0", f"sha256:{PCR}"]).stdout
    return told.rpartition("0x")[2].strip()


def extend() -> dict[str, Any]:
    """Extend the register, start sealer and broker anew, and return what they say."""
    before, event = read_pcr(), hashlib.sha256(b"another boot state").hexdigest()
    run(["tpm2_pcrextend", "-T", "device:/dev/tpmrm0", f"{PCR}:sha256={event}"])
    run(["systemctl", "restart", "psi-sealer.service", "psi-broker.service"])
    wait(lambda: is_active("psi-broker.service"), "the broker")
    done = run(["psictl", "status", "--json"], check=False)
    return {
        "changed": before != read_pcr(),
        "exit": done.returncode,
        "status": json.loads(done.stdout),
    } | cache_status()
