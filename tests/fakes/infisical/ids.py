"""Ids in the forms that Infisical uses."""

import hashlib
import secrets
import string
import uuid

_REQUEST_ALPHABET = string.ascii_letters + string.digits


def fresh_id() -> str:
    """Return a new random UUID of version 4."""
    return str(uuid.uuid4())


def stable_id(*parts: str) -> str:
    """Return the same version-4-shaped UUID for the same parts.

    What comes from the seed keeps its ids over a restart, so tokens stay valid as they
    would on a real server that was merely restarted.
    """
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def request_id() -> str:
    """Return a `reqId` as recorded: `req-` and 14 letters or digits."""
    return "req-" + "".join(secrets.choice(_REQUEST_ALPHABET) for _ in range(14))
