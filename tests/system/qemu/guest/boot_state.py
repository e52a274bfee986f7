"""The boot state changed: PCR 7 is extended, as a change of Secure Boot's keys does."""

import hashlib
import json
from typing import Any, Final

from tests.system.qemu.guest.commands import run, show

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
    done = run(["psictl", "status", "--json"], check=False)
    return {
        "changed": before != read_pcr(),
        "broker": show("psi-broker.service", "ActiveState")["ActiveState"],
        "exit": done.returncode,
        "status": json.loads(done.stdout),
    }
