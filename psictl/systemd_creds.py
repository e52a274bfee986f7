"""``systemd-creds encrypt``: a value that only this host's systemd can read again.

The value goes in by stdin and the result comes out by stdout, so neither lies in a file or an
argument list on the way (systemd-creds(1)).

Bound to this TPM and to no PCR: systemd's default, PCR 7, would keep a service from starting at
all after a change of Secure Boot's keys, and with it every lookup. The cache, which is bound to the
boot state, has its own way back (``psictl cache recover``); a credential has none.
"""

import subprocess
from dataclasses import dataclass
from typing import Final

from psi.shared.errors import PsiError
from psi.shared.names import printable
from psi.shared.secret import SecretBytes

KEYS: Final = ("auto", "host", "tpm2", "host+tpm2")
"""What a credential may be encrypted with; ``auto`` is the host's secret, and the TPM if any."""
_SECONDS: Final = 60
"""A TPM makes the key in some seconds, a hardware one on its first use in some more."""
_WORDS: Final = 200
"""Characters of what the program says that a message repeats."""


@dataclass(frozen=True)
class Encrypted:
    """A credential's file, and what the program had to say about it."""

    content: bytes
    remark: str


def encrypt(name: str, value: SecretBytes, key: str) -> Encrypted:
    """Return a credential's encrypted file; its name is authenticated with it.

    Raises PsiError where the program is missing, refuses or does not end.
    """
    remedy = "or --plain, which keeps it readable by root on disk"
    command = [
        "systemd-creds", "encrypt", f"--name={name}", f"--with-key={key}", "--tpm2-pcrs=",
        "-", "-",
    ]  # fmt: skip  # one command line
    try:
        done = subprocess.run(
            command, input=value.reveal(), capture_output=True, timeout=_SECONDS, check=False
        )
    except OSError as error:
        cause = f"systemd-creds does not run: {error.strerror}"
        raise PsiError(f"{cause}; install it, {remedy}") from None
    except subprocess.TimeoutExpired:
        raise PsiError(f"systemd-creds took more than {_SECONDS} s; try again, {remedy}") from None
    said = printable(" ".join(done.stderr.decode("utf-8", "replace").split()), _WORDS)
    if done.returncode != 0 or not done.stdout:
        raise PsiError(f"systemd-creds failed: {said}; try another --with-key, {remedy}")
    return Encrypted(done.stdout, said)
