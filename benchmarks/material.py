"""The secrets that are looked up, in every form in which somebody needs them.

The seed of the stand-in Infisical, PSI's configuration (JSON, which is YAML too), and the
baseline's mapping files and values: one source, so both subjects serve the same.
"""

import base64
import json
from pathlib import Path
from typing import Any

from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed, Text

WORKLOAD = "bench"
PROJECT = "bench"
FOLDER = "/bench"
ENVIRONMENT = "prod"
PROJECT_ID = "8f6a2f0e-5d1c-4b7e-9a30-6d1f0c2b7e55"
CLIENT_ID = "bench-client"
CLIENT_SECRET = "bench-secret-that-opens-nothing-but-the-stand-in"  # noqa: S105 - see its value
SECRETS = 20
"""What a host with a few containers has; each lookup asks for the next one."""
VALUE_LENGTHS = (1, 24, 32, 64, 120)
"""In turn: a flag, a password, a token in hex, a hash, a connection string."""


def values() -> dict[str, bytes]:
    """Return key to value; every value is different, so that a mixed-up reply is noticed."""
    return {f"KEY_{n}": _value(n) for n in range(SECRETS)}


def _value(n: int) -> bytes:
    length = VALUE_LENGTHS[n % len(VALUE_LENGTHS)]
    return chr(ord("A") + n).encode() * length


def seed() -> Seed:
    """Return the seed of the stand-in Infisical: one identity that may read one folder."""
    texts: dict[str, Text] = {key: value.decode() for key, value in values().items()}
    project = ProjectSeed(PROJECT_ID, PROJECT, environments=[ENVIRONMENT])
    project.secrets_at(ENVIRONMENT, FOLDER, **texts)
    identity = IdentitySeed(CLIENT_ID, CLIENT_SECRET, name=PROJECT, role="viewer")
    return Seed([identity], [project])


def config(api_url: str) -> dict[str, Any]:
    """Return PSI's configuration for the stand-in at that address."""
    auth = {
        "method": "universal-auth",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    project = {"id": PROJECT_ID, "environment": ENVIRONMENT, "auth": auth}
    return {
        "providers": {"infisical": {"api_url": api_url, "projects": {PROJECT: project}}},
        "cache": {"backend": "memory"},
        "workloads": {
            WORKLOAD: {
                "provider": "infisical",
                "secrets": [{"project": PROJECT, "path": FOLDER}],
            }
        },
    }


def write_mappings(folder: Path, keys_by_id: dict[str, str]) -> None:
    """Write the baseline's mapping file of each id, as PSI's broker keeps them."""
    folder.mkdir()
    for secret_id, key in keys_by_id.items():
        mapping = {"provider": "infisical", "project": PROJECT, "path": FOLDER, "key": key}
        (folder / secret_id).write_text(json.dumps(mapping))


def write_values(path: Path) -> None:
    """Write the values that the baseline answers from."""
    rows = [
        {
            "project": PROJECT,
            "path": FOLDER,
            "key": key,
            "value": base64.b64encode(value).decode(),
        }
        for key, value in values().items()
    ]
    path.write_text(json.dumps(rows))
