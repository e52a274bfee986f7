"""Keyslots: what each kind of slot keeps on disk, decoded strictly and with bounds.

A slot wraps the 32-byte key-encryption key. The MAC of the keyslot file covers all of it, but
only once the key is open, so a backend takes its slot for hostile until the device accepts it.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from psi.shared.messages.sealer import SlotKind, SlotNumber

KEK_BYTES = 32
"""The key-encryption key: AES-256 behind HKDF."""

Blob = Annotated[bytes, Meta(min_length=1, max_length=2048)]
"""A marshalled TPM structure or a wrapping: an RSA-4096 block has 512 bytes."""
OptionalBlob = Annotated[bytes, Meta(max_length=2048)]
Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
"""SHA-256."""
OptionalDigest = Annotated[bytes, Meta(max_length=32)]
Nonce = Annotated[bytes, Meta(min_length=12, max_length=12)]
"""Of AES-256-GCM."""
Salt = Annotated[bytes, Meta(min_length=16, max_length=32)]
GcmKey = Annotated[bytes, Meta(min_length=KEK_BYTES + 16, max_length=KEK_BYTES + 16)]
"""The key-encryption key and its tag."""
Pcr = Annotated[int, Meta(ge=0, le=23)]
Name = Annotated[str, Meta(max_length=128)]


class Body(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """What one kind of slot keeps."""


class SoftwareSlot(Body, frozen=True, kw_only=True, tag="software"):
    """Wrapped by a key that lies beside it: no protection, for development."""

    mechanism: Literal["aes-256-gcm"] = "aes-256-gcm"
    nonce: Nonce
    wrapped: GcmKey


class RecoverySlot(Body, frozen=True, kw_only=True, tag="recovery"):
    """Wrapped by a printed key, through scrypt (RFC 7914)."""

    mechanism: Literal["scrypt"] = "scrypt"
    salt: Salt
    cost_exponent: Annotated[int, Meta(ge=10, le=17)]
    """scrypt's N is two to this: bounded, so that a forged file cannot exhaust the memory."""
    nonce: Nonce
    wrapped: GcmKey


class TpmApproval(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One boot state that the slot's authority has signed (TPM2_PolicyAuthorize)."""

    pcr_digest: Digest
    """SHA-256 over the values of the slot's PCRs; the signed policy follows from both."""
    signature: Blob


class TpmSlot(Body, frozen=True, tag="tpm"):
    """A sealed object below the TPM's storage root key."""

    mechanism: Literal["ecc-srk", "ecc-srk+pcr", "ecc-srk+pcr-authorized"]
    public: Blob
    """TPM2B_PUBLIC, marshalled."""
    private: Blob
    """TPM2B_PRIVATE, marshalled."""
    srk_name: Annotated[bytes, Meta(min_length=2, max_length=66)]
    """Tells a cleared or another TPM from a damaged blob."""
    pcrs: Annotated[list[Pcr], Meta(max_length=24)] = []
    """Of the SHA-256 bank."""
    pcr_digest: OptionalDigest = b""
    """The boot state that it was sealed to; empty without PCRs."""
    authority_public: OptionalBlob = b""
    """Whose signature approves a boot state; empty unless the mechanism is authorized."""
    authority_private: OptionalBlob = b""
    """The approving key, encrypted under the key-encryption key: who has that may approve."""
    approvals: Annotated[list[TpmApproval], Meta(max_length=8)] = []


class Pkcs11Slot(Body, frozen=True, tag="pkcs11"):
    """Wrapped by a key pair on a PKCS#11 token."""

    mechanism: Literal["rsa-oaep-sha256", "rsa-x509-oaep-sha256", "ecdh-p256-hkdf"]
    token_serial: Name
    """Tells the administrator which token it was; a clone with the same key opens the slot too."""
    key_fingerprint: Digest
    """SHA-256 of the public key (SubjectPublicKeyInfo): tells another key from a damaged slot."""
    wrapped: Blob
    """The RSA block, or the AES-256-GCM wrapping under the derived key."""
    ephemeral: OptionalBlob = b""
    """The ephemeral public point of ECDH, uncompressed."""
    nonce: OptionalBlob = b""


SlotBody = SoftwareSlot | RecoverySlot | TpmSlot | Pkcs11Slot


class Keyslot(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A numbered slot."""

    number: SlotNumber
    created_at: Annotated[float, Meta(ge=0)]
    """Seconds since the epoch."""
    body: SlotBody

    @property
    def kind(self) -> SlotKind:
        """The kind of backend that can open it."""
        match self.body:
            case SoftwareSlot():
                return "software"
            case RecoverySlot():
                return "recovery"
            case TpmSlot():
                return "tpm"
            case Pkcs11Slot():
                return "pkcs11"
