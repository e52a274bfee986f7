"""Access tokens: HS256 JSON Web Tokens, signed and read with the standard library."""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from tests.fakes.infisical.errors import EXPIRED_TOKEN, MALFORMED_TOKEN, token_error

# Fixed, so that tokens outlive a restart as they do on a real server.
_KEY = b"stand-in signing key, good for tests only"
_HEADER = {"alg": "HS256", "typ": "JWT"}


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)


def _signature(signed: str) -> str:
    return _encode(hmac.digest(_KEY, signed.encode("ascii", "replace"), hashlib.sha256))


def sign(claims: dict[str, Any]) -> str:
    """Return a token with these claims."""
    parts = [json.dumps(part, separators=(",", ":")).encode() for part in (_HEADER, claims)]
    signed = ".".join(_encode(part) for part in parts)
    return f"{signed}.{_signature(signed)}"


def verify(token: str, now: float) -> dict[str, Any]:
    """Return the claims of a token that this server signed and that has not expired.

    Raises:
        ApiError: 403 TokenError, with jsonwebtoken's order: form, signature, expiry.

    """
    parts = token.split(".")
    try:
        header, claims, _ = [_decode(part) for part in parts]
        fields = json.loads(claims)
        known = json.loads(header) == _HEADER and isinstance(fields, dict)
    except (ValueError, binascii.Error, UnicodeDecodeError):
        known = False
    if not known:
        raise token_error(MALFORMED_TOKEN)
    if not hmac.compare_digest(_signature(".".join(parts[:2])).encode(), parts[2].encode()):
        raise token_error("invalid signature")
    if fields["exp"] <= now:
        raise token_error(EXPIRED_TOKEN)
    return dict(fields)
