"""What the sealer is started with: its projection, the host secret and a PIN, by systemd's hand."""

import os
from pathlib import Path

from psi.sealer.slots import KEK_BYTES
from psi.shared.errors import ConfigError
from psi.shared.log import Log
from psi.shared.names import parse_credential
from psi.shared.projection import Pkcs11Options, SealerProjection, decode_projection
from psi.shared.secret import SecretBytes

HOST_SECRET = "host-secret"  # noqa: S105  # a credential's name
_REMEDY = "start the sealer by systemd or psictl dev, after psictl apply"


def credentials_folder() -> Path:
    """Return ``$CREDENTIALS_DIRECTORY`` (systemd.exec(5)); raises ConfigError without it."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise ConfigError(f"CREDENTIALS_DIRECTORY is not set; {_REMEDY}")
    return Path(folder)


def load_projection(folder: Path) -> SealerProjection:
    """Return the projection that ``psictl apply`` wrote; raises ConfigError."""
    return decode_projection(_read(folder, "config.json"), SealerProjection)


def load_host_secret(folder: Path) -> SecretBytes:
    """Return the 32 bytes that only root can read on disk; raises ConfigError.

    Without it no key can be derived, so the process does not start.
    """
    content = _read(folder, HOST_SECRET)
    if len(content) != KEK_BYTES:
        cause = f"credential {HOST_SECRET}: {len(content)} bytes, not {KEK_BYTES}"
        raise ConfigError(f"{cause}; restore /var/lib/psi-config/host-secret from a backup")
    return SecretBytes(content)


def load_pin(folder: Path, options: Pkcs11Options | None, log: Log) -> SecretBytes | None:
    """Return the PIN of the configuration or of its credential, without a final newline.

    A credential that is not there gives None: the token tells whether it wants a PIN.
    """
    if options is None or options.pin is not None or options.pin_credential is None:
        return options.pin if options is not None else None
    try:
        content = (folder / parse_credential(options.pin_credential)).read_bytes()
    except OSError as error:
        log.warning("pin.missing", credential=options.pin_credential, cause=error.strerror)
        return None
    return SecretBytes(content.removesuffix(b"\n"))


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise ConfigError(f"credential {name}: {error.strerror}; {_REMEDY}") from error
