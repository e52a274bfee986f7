"""What the broker is started with: its projection and its credentials, by systemd's hand."""

import os
from pathlib import Path

from psi.shared.errors import ConfigError
from psi.shared.names import parse_credential
from psi.shared.projection import BrokerProjection, decode_projection
from psi.shared.secret import SecretBytes

_REMEDY = "start the broker by systemd or psictl dev, after psictl apply"


def credentials_folder() -> Path:
    """Return ``$CREDENTIALS_DIRECTORY`` (systemd.exec(5)); raises ConfigError without it."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise ConfigError(f"CREDENTIALS_DIRECTORY is not set; {_REMEDY}")
    return Path(folder)


def load_projection(folder: Path) -> BrokerProjection:
    """Return the projection that ``psictl apply`` wrote; raises ConfigError."""
    try:
        data = (folder / "config.json").read_bytes()
    except OSError as error:
        raise ConfigError(f"credential config.json: {error.strerror}; {_REMEDY}") from error
    return decode_projection(data, BrokerProjection)


def read_credential(folder: Path, name: str) -> SecretBytes:
    """Return a named credential without its final newline; raises ConfigError."""
    try:
        content = (folder / parse_credential(name)).read_bytes()
    except OSError as error:
        remedy = "make it available to psi-broker.service"
        raise ConfigError(f"credential {name}: {error.strerror}; {remedy}") from error
    return SecretBytes(content.removesuffix(b"\n"))
