"""Keys of issuers in tests, and the JWTs that they sign."""

import base64
import functools
import json
import time
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)


@dataclass(frozen=True)
class Issuer:
    """An RSA key that signs JWTs."""

    key: RSAPrivateKey

    @property
    def public(self) -> str:
        """The public key, PEM."""
        form = PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(Encoding.PEM, form).decode()

    @property
    def private(self) -> str:
        """The private key, PEM."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def sign(self, life: float = 3600, **claims: Any) -> str:
        """Return a JWT that ends `life` seconds from now."""
        now = int(time.time())
        header = {"alg": "RS256", "typ": "JWT"}
        parts = (header, {"iat": now, "exp": now + life} | claims)
        signed = b".".join(_encoded(json.dumps(part).encode()) for part in parts)
        return b".".join((signed, _encoded(self.key.sign(signed, PKCS1v15(), SHA256())))).decode()


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


@functools.cache
def issuer(name: str) -> Issuer:
    """Return the issuer of a name; making a key takes a while, so each is made once."""
    del name
    return Issuer(generate_private_key(65537, 2048))
