"""The ways to wrap a key for a token; wrapping needs its public key only, and no login.

Which one a token can do is tried when a slot is made, and kept in the slot: SoftHSM 2.6.1 lists
RSA-OAEP and refuses SHA-256 with it, tpm2-pkcs11 lists no ECDH, a Nitrokey HSM no AES.
"""

import secrets
from typing import Final, Literal, NamedTuple, Protocol

import pkcs11
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import KDF, MGF, Attribute, KeyType, Mechanism

from psi.sealer.backends.oaep import unpad
from psi.sealer.backends.pkcs11_errors import corrupt
from psi.sealer.backends.pkcs11_keys import KeyPair

MechanismName = Literal["rsa-oaep-sha256", "rsa-x509-oaep-sha256", "ecdh-p256-hkdf"]
_INFO: Final = b"psi pkcs11 slot 1 "
_NONCE_BYTES: Final = 12
_KEY_BITS: Final = 256


class Wrapped(NamedTuple):
    """What a slot keeps."""

    wrapped: bytes
    ephemeral: bytes = b""
    nonce: bytes = b""


class Wrapping(Protocol):
    """One way."""

    name: MechanismName
    needs: Mechanism

    def fits(self, pair: KeyPair) -> bool:
        """Whether the key is of the type, and may be used so."""
        ...

    def wrap(self, pair: KeyPair, secret: bytes) -> Wrapped:
        """Wrap in software."""
        ...

    def unwrap(self, pair: KeyPair, wrapped: Wrapped) -> bytes:
        """Unwrap with the token; raises PKCS11Error, or DeviceError (CORRUPT)."""
        ...


class RsaOaep:
    """RSA-OAEP with SHA-256, taken off by the token."""

    name: MechanismName = "rsa-oaep-sha256"
    needs = Mechanism.RSA_PKCS_OAEP

    def fits(self, pair: KeyPair) -> bool:
        """Whether it is an RSA key that may decrypt."""
        return isinstance(pair.public, RSAPublicKey) and isinstance(
            pair.private, pkcs11.types.DecryptMixin
        )

    def wrap(self, pair: KeyPair, secret: bytes) -> Wrapped:
        """Encrypt with the public key."""
        assert isinstance(pair.public, RSAPublicKey)  # noqa: S101  # it fits
        padding = OAEP(mgf=MGF1(SHA256()), algorithm=SHA256(), label=None)
        return Wrapped(pair.public.encrypt(secret, padding))

    def unwrap(self, pair: KeyPair, wrapped: Wrapped) -> bytes:
        """Let the token decrypt and take the padding off."""
        self._check(pair, wrapped.wrapped)
        parameters = (Mechanism.SHA256, MGF.SHA256, None)
        return _decrypt(pair, wrapped.wrapped, self.needs, parameters)

    def _check(self, pair: KeyPair, block: bytes) -> None:
        """Raise CORRUPT for what no RSA key of this size has made: tokens answer such anyhow."""
        assert isinstance(pair.public, RSAPublicKey)  # noqa: S101  # it fits
        modulus = pair.public.public_numbers().n
        if len(block) * 8 != pair.public.key_size or int.from_bytes(block) >= modulus:
            raise corrupt()


class RsaRaw(RsaOaep):
    """The same, where the token exponentiates and the padding is taken off in software."""

    name: MechanismName = "rsa-x509-oaep-sha256"
    needs = Mechanism.RSA_X_509

    def unwrap(self, pair: KeyPair, wrapped: Wrapped) -> bytes:
        """Let the token exponentiate; take the padding off here."""
        self._check(pair, wrapped.wrapped)
        block = _decrypt(pair, wrapped.wrapped, self.needs, None)
        # Some modules drop leading zeros.
        message = unpad(block.rjust(len(wrapped.wrapped), b"\x00"))
        if message is None:
            raise corrupt()
        return message


class Ecdh:
    """ECDH on P-256 with a fresh key, HKDF-SHA256 and AES-256-GCM in software."""

    name: MechanismName = "ecdh-p256-hkdf"
    needs = Mechanism.ECDH1_DERIVE

    def fits(self, pair: KeyPair) -> bool:
        """Whether it is a P-256 key that may derive."""
        return isinstance(pair.public, EllipticCurvePublicKey) and isinstance(
            pair.private, pkcs11.types.DeriveMixin
        )

    def wrap(self, pair: KeyPair, secret: bytes) -> Wrapped:
        """Agree on a key with the token's public one, and encrypt under it."""
        assert isinstance(pair.public, EllipticCurvePublicKey)  # noqa: S101  # it fits
        ephemeral = generate_private_key(SECP256R1())
        point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        shared = ephemeral.exchange(ECDH(), pair.public)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = _cipher(shared, point, pair).encrypt(nonce, secret, None)
        return Wrapped(sealed, point, nonce)

    def unwrap(self, pair: KeyPair, wrapped: Wrapped) -> bytes:
        """Let the token agree, and decrypt."""
        try:
            EllipticCurvePublicKey.from_encoded_point(SECP256R1(), wrapped.ephemeral)
            shared = _derive(pair, wrapped.ephemeral)
            cipher = _cipher(shared, wrapped.ephemeral, pair)
            return cipher.decrypt(wrapped.nonce, wrapped.wrapped, None)
        except (InvalidTag, ValueError):
            raise corrupt() from None


WRAPPINGS: Final[tuple[Wrapping, ...]] = (RsaOaep(), Ecdh(), RsaRaw())
"""In the order of preference: whole on the token, then with the least of RSA in software."""


def _decrypt(pair: KeyPair, block: bytes, mechanism: Mechanism, parameters: object) -> bytes:
    assert isinstance(pair.private, pkcs11.types.DecryptMixin)  # noqa: S101  # it fits
    plain = pair.private.decrypt(block, mechanism=mechanism, mechanism_param=parameters)
    return plain if isinstance(plain, bytes) else b"".join(plain)


def _derive(pair: KeyPair, point: bytes) -> bytes:
    assert isinstance(pair.private, pkcs11.types.DeriveMixin)  # noqa: S101  # it fits
    template = {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}
    shared = pair.private.derive_key(
        KeyType.GENERIC_SECRET,
        _KEY_BITS,
        mechanism=Mechanism.ECDH1_DERIVE,
        mechanism_param=(KDF.NULL, None, point),
        template=template,
    )
    try:
        # Some modules drop leading zeros.
        return bytes(shared[Attribute.VALUE]).rjust(_KEY_BITS // 8, b"\x00")
    finally:
        shared.destroy()


def _cipher(shared: bytes, point: bytes, pair: KeyPair) -> AESGCM:
    info = _INFO + point + pair.fingerprint
    return AESGCM(HKDF(SHA256(), length=32, salt=None, info=info).derive(shared))
