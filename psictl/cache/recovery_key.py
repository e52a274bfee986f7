"""The recovery key: shown once, on stdout alone, and read back without echo."""

import re
from typing import Final

from psi.shared.errors import ProtocolError
from psi.shared.secret import SecretBytes
from psictl.output import say, write_line
from psictl.secret_input import read_secret

MAX_TYPED_BYTES: Final = 512
"""A key has 71 characters; people add spaces and line ends."""
KEEPING: Final = (
    "this recovery key is shown once and kept nowhere: write it on paper and lock it away, off "
    "this host; with the host secret (/var/lib/psi-config/host-secret, in a backup of its own) "
    "psictl cache recover opens the cache when the device is lost or its state changed"
)
_PRINTED: Final = re.compile(rb"[0-9A-Z-]{16,128}")


def key_text(key: SecretBytes) -> str:
    """Return the key as it is printed; raises ProtocolError for what no key looks like."""
    if _PRINTED.fullmatch(key.reveal()) is None:
        raise ProtocolError(
            "the sealer sent a recovery key that is none; install the same version of psictl and "
            "psi-sealer, and make another with psictl cache add-slot --recovery"
        )
    return key.reveal().decode("ascii")


def show_key(key: SecretBytes | None) -> None:
    """Write the key to stdout and how to keep it to stderr."""
    if key is not None:
        write_line(key_text(key))
        say(KEEPING)


def read_key() -> SecretBytes:
    """Return the key as it was typed, without white space around it; raises ConfigError."""
    typed = read_secret("recovery key: ", MAX_TYPED_BYTES)
    return SecretBytes(typed.reveal().strip())
