"""What the key-encryption key is used for: never itself, always through HKDF with the host secret.

Whoever can use the device can seal a key of their own and forge a cache with it. The host
secret, which only root can read on disk, stops that: without it no derived key is the same.
"""

from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from psi.sealer.slots import KEK_BYTES
from psi.shared.secret import SecretBytes

KEY_ID_BYTES = 16
"""Tells one key from another; it reveals nothing of either."""
_INFO = b"psi sealer 1 "


class Keys(NamedTuple):
    """A key-encryption key that is open, and what is derived from it."""

    kek: SecretBytes
    """What the slots wrap."""
    wrapping: SecretBytes
    """Wraps data keys."""
    authenticating: SecretBytes
    """Authenticates the keyslot file."""
    key_id: bytes


def derive_keys(kek: SecretBytes, host_secret: SecretBytes) -> Keys:
    """Mix the host secret in (RFC 5869: it is the salt)."""
    return Keys(
        kek=kek,
        wrapping=SecretBytes(derive(kek, host_secret, b"wrapping", KEK_BYTES)),
        authenticating=SecretBytes(derive(kek, host_secret, b"keyslot-mac", KEK_BYTES)),
        key_id=derive(kek, host_secret, b"key-id", KEY_ID_BYTES),
    )


def derive(secret: SecretBytes, salt: SecretBytes, purpose: bytes, length: int) -> bytes:
    """Return ``length`` bytes of HKDF-SHA256."""
    hkdf = HKDF(SHA256(), length=length, salt=salt.reveal(), info=_INFO + purpose)
    return hkdf.derive(secret.reveal())
