"""The one format of everything encrypted on disk: a header that is authenticated whole.

    magic 8 | version 1 | purpose 1 | backend 1 | generation 8 | length 2 | wrapped key | nonce 12
    then AES-256-GCM of the content; associated data: the header, a NUL, and the name if any

The data key is wrapped by the sealer, bound to purpose and generation; nothing but the sealer's
device can give it back. Each content has a fresh data key, so a nonce never repeats for a key.
"""

import os
import struct
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from psi.shared.messages.sealer import MAX_WRAPPED_BYTES, Purpose
from psi.shared.secret import DataKey

MAGIC = b"PSI-SEAL"
VERSION = 1
_PURPOSES: dict[Purpose, int] = {"cache": 1, "token": 2, "sealed-secret": 3}
BACKEND_TAGS = {"tpm": 1, "hsm": 2, "software": 3}
_FIXED = struct.Struct("!8sBBBQH")
_MAX_GENERATION = 2**53 - 1
"""As the sealer takes it: a greater one would be no request to it, but a breach of protocol."""
_NONCE_BYTES = 12
_TAG_BYTES = 16


class DamagedEnvelope(ValueError):
    """The file is not whole, not ours, or was altered; the text says which."""


class WrappedKey(NamedTuple):
    """A data key and its wrapping, ready to encrypt one content."""

    generation: int
    key: DataKey
    wrapped: bytes


class Envelope(NamedTuple):
    """A file's parts: nothing is decrypted yet."""

    generation: int
    backend: int
    wrapped: bytes
    header: bytes
    nonce: bytes
    ciphertext: bytes


def seal(
    purpose: Purpose, backend: int, ready: WrappedKey, content: bytes, name: str = ""
) -> bytes:
    """Encrypt a content; the name, where there is one, must be given again to open it."""
    fixed = _FIXED.pack(
        MAGIC, VERSION, _PURPOSES[purpose], backend, ready.generation, len(ready.wrapped)
    )
    nonce = os.urandom(_NONCE_BYTES)
    header = fixed + ready.wrapped + nonce
    cipher = AESGCM(ready.key.reveal())
    return header + cipher.encrypt(nonce, content, _associated(header, name))


def parse(purpose: Purpose, untrusted_blob: bytes) -> Envelope:
    """Cut a blob into its parts; raises DamagedEnvelope for anything but a whole one."""
    if len(untrusted_blob) < _FIXED.size:
        raise DamagedEnvelope("it is cut short")
    magic, version, tag, backend, generation, length = _FIXED.unpack_from(untrusted_blob)
    if magic != MAGIC:
        raise DamagedEnvelope("it is no file of PSI's")
    if version != VERSION:
        raise DamagedEnvelope(f"it has format {version}, this version reads {VERSION}")
    if tag != _PURPOSES[purpose]:
        raise DamagedEnvelope(f"it is of another kind than {purpose}, or its header is damaged")
    if backend not in BACKEND_TAGS.values() or generation > _MAX_GENERATION:
        raise DamagedEnvelope("its header is damaged")
    end = _FIXED.size + length + _NONCE_BYTES
    if not 0 < length <= MAX_WRAPPED_BYTES or len(untrusted_blob) < end + _TAG_BYTES:
        raise DamagedEnvelope("it is cut short or its header is damaged")
    return Envelope(
        generation=generation,
        backend=backend,
        wrapped=untrusted_blob[_FIXED.size : end - _NONCE_BYTES],
        header=untrusted_blob[:end],
        nonce=untrusted_blob[end - _NONCE_BYTES : end],
        ciphertext=untrusted_blob[end:],
    )


def unseal(envelope: Envelope, key: DataKey, name: str = "") -> bytes:
    """Decrypt; raises DamagedEnvelope where one bit of header, name or content was changed."""
    associated = _associated(envelope.header, name)
    try:
        return AESGCM(key.reveal()).decrypt(envelope.nonce, envelope.ciphertext, associated)
    except InvalidTag:
        raise DamagedEnvelope("its content was altered or damaged") from None


def _associated(header: bytes, name: str) -> bytes:
    return header + b"\0" + name.encode()
