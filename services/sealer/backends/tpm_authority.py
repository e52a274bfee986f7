"""The key that approves boot states, made with the slot and kept in it.

Its private part is encrypted under a key that follows from the key-encryption key, so that who
may open the cache may approve the boot state that comes, and no one else; nothing is sealed anew.
"""

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from tpm2_pytss import (
    TPM2_ALG,
    TPM2B_PUBLIC,
    TPMA_OBJECT,
    TPMS_SIGNATURE_ECC,
    TPMT_SIGNATURE,
    TPMU_SIGNATURE,
)

from psi.sealer.backends.tpm_errors import corrupt
from psi.sealer.backends.tpm_policy import approval_digest
from psi.shared.secret import SecretBytes

_INFO: Final = b"psi tpm authority 1"
_NONCE_BYTES: Final = 12
_COORDINATE_BYTES: Final = 32


class Authority:
    """An ECC P-256 signing key that is open; :meth:`make` or :meth:`open` gives one."""

    def __init__(self, key: EllipticCurvePrivateKey) -> None:
        self._key = key
        self.public = _public(key)

    @classmethod
    def make(cls) -> "Authority":
        """Make a new one."""
        return cls(generate_private_key(SECP256R1()))

    @classmethod
    def open(cls, public: bytes, sealed: bytes, kek: SecretBytes) -> "Authority":
        """Decrypt the private part; raises DeviceError (CORRUPT)."""
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            private = _cipher(kek).decrypt(nonce, ciphertext, public)
        except (InvalidTag, ValueError):
            raise corrupt() from None
        key = load_der_private_key(private, None)
        if not isinstance(key, EllipticCurvePrivateKey):
            raise corrupt()
        return cls(key)

    def seal(self, kek: SecretBytes) -> bytes:
        """Return the private part, encrypted."""
        private = self._key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + _cipher(kek).encrypt(nonce, private, self.public)

    def approve(self, policy: bytes) -> bytes:
        """Sign a policy; return a marshalled TPMT_SIGNATURE."""
        signed = self._key.sign(approval_digest(policy), ECDSA(Prehashed(SHA256())))
        r, s = (number.to_bytes(_COORDINATE_BYTES) for number in decode_dss_signature(signed))
        ecdsa = TPMS_SIGNATURE_ECC(hash=TPM2_ALG.SHA256, signatureR=r, signatureS=s)
        signature = TPMT_SIGNATURE(sigAlg=TPM2_ALG.ECDSA, signature=TPMU_SIGNATURE(ecdsa=ecdsa))
        return bytes(signature.marshal())


def _public(key: EllipticCurvePrivateKey) -> bytes:
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    attributes = TPMA_OBJECT.SIGN_ENCRYPT | TPMA_OBJECT.USERWITHAUTH
    public = TPM2B_PUBLIC.from_pem(pem, objectAttributes=attributes)
    # tpm2-pytss drops leading zeros, and a TPM refuses a shorter coordinate (0x2dc): 1 key in 128.
    numbers = key.public_key().public_numbers()
    point = public.publicArea.unique.ecc
    point.x, point.y = (one.to_bytes(_COORDINATE_BYTES) for one in (numbers.x, numbers.y))
    return bytes(public.marshal())


def _cipher(kek: SecretBytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), length=32, salt=None, info=_INFO).derive(kek.reveal()))
