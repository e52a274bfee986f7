"""RSA-OAEP with SHA-256 taken off in software, for tokens that only exponentiate.

RFC 8017, 7.1.2 step 3, with an empty label and MGF1 over SHA-256. All checks are made before
one of them refuses, and alike, so that a refusal tells nothing (Manger's attack).
"""

import hashlib
import hmac

_HASH_BYTES = 32
_EMPTY_LABEL = hashlib.sha256(b"").digest()


def unpad(block: bytes) -> bytes | None:
    """Return the message of a decrypted block as long as the modulus, None where it is none."""
    if len(block) < 2 * _HASH_BYTES + 2:
        return None
    masked_seed, masked_data = block[1 : 1 + _HASH_BYTES], block[1 + _HASH_BYTES :]
    seed = _xor(masked_seed, _mask(masked_data, _HASH_BYTES))
    data = _xor(masked_data, _mask(seed, len(masked_data)))
    label, rest = data[:_HASH_BYTES], data[_HASH_BYTES:]
    message = rest.lstrip(b"\x00")
    sound = hmac.compare_digest(label, _EMPTY_LABEL) & hmac.compare_digest(block[:1], b"\x00")
    sound &= hmac.compare_digest(message[:1], b"\x01")
    return message[1:] if sound else None


def _mask(seed: bytes, length: int) -> bytes:
    """MGF1 (RFC 8017, B.2.1)."""
    blocks = (length + _HASH_BYTES - 1) // _HASH_BYTES
    parts = [hashlib.sha256(seed + count.to_bytes(4)).digest() for count in range(blocks)]
    return b"".join(parts)[:length]


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
