"""Data keys, wrapped with AES-256-GCM and bound to what they are for.

A wrapping is: version 1, key id (16 bytes), nonce (12), ciphertext and tag (48). Version, key
id, purpose and generation are authenticated. Nonces are random: the key would have to wrap four
billion data keys before a repetition were likely (NIST SP 800-38D, 8.3).
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from psi.sealer.device_error import DeviceError
from psi.sealer.keys import KEY_ID_BYTES, Keys
from psi.shared.messages.sealer import SealerError
from psi.shared.secret import DATA_KEY_BYTES, DataKey

_VERSION = b"\x01"
_NONCE_BYTES = 12
_TAG_BYTES = 16
_HEADER_BYTES = len(_VERSION) + KEY_ID_BYTES
_WRAPPED_BYTES = _HEADER_BYTES + _NONCE_BYTES + DATA_KEY_BYTES + _TAG_BYTES


def wrap(keys: Keys, key: DataKey, purpose: str, generation: int) -> bytes:
    """Wrap a data key for one purpose and generation."""
    header = _VERSION + keys.key_id
    nonce = secrets.token_bytes(_NONCE_BYTES)
    context = _context(header, purpose, generation)
    return header + nonce + AESGCM(keys.wrapping.reveal()).encrypt(nonce, key.reveal(), context)


def unwrap(keys: Keys, wrapped: bytes, purpose: str, generation: int) -> DataKey:
    """Give a data key back; raises DeviceError: CORRUPT, OTHER_KEY or CONTEXT."""
    if len(wrapped) != _WRAPPED_BYTES or wrapped[:1] != _VERSION:
        detail = "the wrapped data key has no form that this version knows: the file is damaged"
        raise DeviceError(SealerError.CORRUPT, detail)
    header, nonce = wrapped[:_HEADER_BYTES], wrapped[_HEADER_BYTES:][:_NONCE_BYTES]
    if header[1:] != keys.key_id:
        detail = (
            "the data key was wrapped by another key: the file is of another host, or of before "
            "psictl cache init --force; put the matching keyslot file back or discard it"
        )
        raise DeviceError(SealerError.OTHER_KEY, detail)
    context = _context(header, purpose, generation)
    sealed = wrapped[_HEADER_BYTES + _NONCE_BYTES :]
    try:
        return DataKey(AESGCM(keys.wrapping.reveal()).decrypt(nonce, sealed, context))
    except InvalidTag:
        detail = (
            "the data key was wrapped for another purpose or generation, or was altered: the "
            "file's header does not belong to its key"
        )
        raise DeviceError(SealerError.CONTEXT, detail) from None


def _context(header: bytes, purpose: str, generation: int) -> bytes:
    name = purpose.encode()
    return header + len(name).to_bytes(1) + name + generation.to_bytes(8)
