"""JWTs of other issuers: RS256, checked by the public key that the seed gives."""

import base64
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.fakes.infisical.errors import unauthorized


def claims_of(token: str, public_key: str, now: float) -> dict[str, Any]:
    """Return the claims of a token that the key signed and that is good now.

    Raises:
        ApiError: 401 with jsonwebtoken's words: malformed, signature, expired.

    """
    parts = token.split(".")
    try:
        header, body, signature = (_decode(part) for part in parts)
        fields, claims = json.loads(header), dict(json.loads(body))
    except (ValueError, TypeError) as error:
        raise unauthorized("Access denied: jwt malformed") from error
    key = load_pem_public_key(public_key.encode())
    assert isinstance(key, RSAPublicKey)
    try:
        key.verify(signature, ".".join(parts[:2]).encode(), PKCS1v15(), SHA256())
    except InvalidSignature as error:
        raise unauthorized("Access denied: invalid signature") from error
    if fields.get("alg") != "RS256":
        raise unauthorized("Access denied: invalid algorithm")
    if claims.get("exp", 0) <= now:
        raise unauthorized("Access denied: jwt expired")
    return claims


def _decode(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), b"-_", validate=True)
