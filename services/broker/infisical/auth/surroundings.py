"""Where a cloud's servers are, and what the environment says about the platform.

The addresses are constants: who could change them would be handed this machine's identity. Only
below a development root, which no shipped unit has, a file there may name others.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from psi.shared.errors import UNDECODABLE, ConfigError
from psi.shared.lifecycle import DEVELOPMENT_ROOT

DEVELOPMENT_FILE = "dev-platform.json"
"""Below the development root: a JSON object of :class:`Endpoints`."""


class Endpoints(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base addresses, without a slash at the end."""

    aws_instance: str = "http://169.254.169.254"
    """EC2 instance metadata (IMDSv2)."""
    aws_container: str = "http://169.254.170.2"
    """ECS task credentials, which AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is relative to."""
    google_instance: str = "http://metadata.google.internal"
    google_tokens: str = "https://oauth2.googleapis.com"
    google_iam: str = "https://iamcredentials.googleapis.com"
    azure_instance: str = "http://169.254.169.254"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that a cloud's method takes from outside the configuration."""

    endpoints: Endpoints
    environment: Mapping[str, str]
    proxy: str | None
    """The provider's, for a cloud's public API alone."""


def load_surroundings(proxy: str | None) -> Surroundings:
    """Return this process's surroundings; raises ConfigError for a bad development file."""
    root = os.environ.get(DEVELOPMENT_ROOT)
    endpoints = _development(Path(root)) if root else Endpoints()
    return Surroundings(endpoints, dict(os.environ), proxy)


def _development(root: Path) -> Endpoints:
    path = root / DEVELOPMENT_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Endpoints)
    except FileNotFoundError:
        return Endpoints()
    except (OSError, *UNDECODABLE) as error:
        raise ConfigError(f"{path}: {error}; correct or remove it") from error
