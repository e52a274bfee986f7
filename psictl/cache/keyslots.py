"""The sealer's keyslots, as commands ask for them."""

import re
from typing import Any, Final

from psi.shared.errors import ConfigError, PsiError
from psi.shared.messages import sealer as s
from psi.shared.processes import Process
from psictl.apply.generation import current_generation
from psictl.apply.naming import file_name
from psictl.client import SealerClient
from psictl.layout import Layout
from psictl.output import format_time, write_table

BACKENDS: Final = {"tpm": "tpm", "pkcs11": "hsm", "software": "software"}
"""The sealer's word for a device, and the configuration's (``cache.backend``)."""
_DIGEST: Final = re.compile(r"[0-9a-fA-F]{64}")


def sealer_status(client: SealerClient) -> s.SealerStatusReply:
    """Return how the sealer is; raises as ControlClient.call."""
    return client.call(s.SealerStatus(), s.SealerStatusReply)


def require_sealer(layout: Layout) -> None:
    """Raise ConfigError where the configuration in force has nothing for a sealer to do."""
    try:
        applied = current_generation(layout)
    except PsiError:
        return  # not root: the socket will say so
    if applied is not None and not (layout.current / file_name(Process.SEALER)).exists():
        raise ConfigError(
            "cache.backend keeps nothing at rest, so there is no sealer: set it to tpm or hsm in "
            f"{applied.config} and run psictl apply"
        )


def check_backend(client: SealerClient, wanted: str | None) -> str:
    """Return the configured backend; raises ConfigError where ``wanted`` is another."""
    configured = BACKENDS[sealer_status(client).backend]
    if wanted is not None and wanted != configured:
        raise ConfigError(
            f"the configuration in force has cache.backend: {configured}; to use {wanted}, set it "
            "there and run psictl apply first"
        )
    return configured


def parse_digest(text: str) -> bytes:
    """Return a SHA-256 given in hex; raises ConfigError."""
    if _DIGEST.fullmatch(text) is None:
        raise ConfigError("--approve takes the 64 hex digits of a SHA-256 over the PCR values")
    return bytes.fromhex(text)


def slot_fields(slot: s.Slot) -> dict[str, Any]:
    """Return what ``--json`` shows of a slot; ``created_at`` in seconds since the epoch."""
    return {
        "number": slot.number,
        "kind": slot.kind,
        "mechanism": slot.mechanism,
        "created_at": slot.created_at,
        "opens": slot.opens,
    }


def write_slots(slots: list[s.Slot]) -> None:
    """Write a table to stdout; the slot that opened the key last has a star."""
    write_table(
        ("SLOT", "KIND", "MECHANISM", "CREATED", "OPENED"),
        [
            (
                str(slot.number),
                slot.kind,
                slot.mechanism,
                format_time(slot.created_at),
                "*" if slot.opens else "",
            )
            for slot in slots
        ],
    )
