"""The key pairs of a token that carry the configured label, each with its public part."""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import pkcs11
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)
from pkcs11 import Attribute, KeyType, ObjectClass
from pkcs11.util.ec import encode_ec_public_key

from psi.sealer.backends.pkcs11_errors import explained
from psi.sealer.device_error import DeviceError
from psi.shared.messages.sealer import SealerError

MIN_RSA_BITS = 2048
"""NIST SP 800-131A rev. 2: shorter ones are no longer allowed for key transport."""


class KeyPair(NamedTuple):
    """A private key on the token and its public part outside."""

    private: pkcs11.PrivateKey
    public: RSAPublicKey | EllipticCurvePublicKey

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the public part."""
        encoded = self.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(encoded).digest()


def key_pairs(session: pkcs11.Session, label: str) -> list[KeyPair]:
    """Return those that PSI could use; raises DeviceError (KEY_MISSING, UNSUPPORTED)."""
    with explained():
        objects = list(_objects(session, ObjectClass.PRIVATE_KEY, {Attribute.LABEL: label}))
        found = [key for key in objects if isinstance(key, pkcs11.PrivateKey)]
        pairs = [KeyPair(key, public) for key in found for public in _public_of(session, key)]
    if not found:
        detail = (
            f"the token has no private key labelled {label}: correct sealer.pkcs11.key_label, or "
            "make one with pkcs11-tool --keypairgen"
        )
        raise DeviceError(SealerError.KEY_MISSING, detail)
    if not pairs:
        detail = (
            f"the key {label} has no readable public part, or is neither RSA of {MIN_RSA_BITS} "
            "bits and more nor EC P-256: make another with pkcs11-tool --keypairgen"
        )
        raise DeviceError(SealerError.UNSUPPORTED, detail)
    return pairs


def _objects(
    session: pkcs11.Session, kind: ObjectClass, more: dict[Attribute, object]
) -> Iterator[pkcs11.Object]:
    yield from session.get_objects({Attribute.CLASS: kind, **more})


def _public_of(
    session: pkcs11.Session, private: pkcs11.Object
) -> Iterator[RSAPublicKey | EllipticCurvePublicKey]:
    """Yield the public part, once, where there is one that PSI can use."""
    key_type = private[Attribute.KEY_TYPE]
    for candidate in _candidates(session, private, key_type):
        try:
            public = _decode(candidate, key_type)
        except (pkcs11.PKCS11Error, ValueError, KeyError):
            continue  # a private key need not show its modulus, a foreign object may be odd
        if public is not None:
            yield public
            return


def _candidates(
    session: pkcs11.Session, private: pkcs11.Object, key_type: KeyType
) -> Iterator[pkcs11.Object]:
    """Yield what may hold the public part: the RSA key itself, then objects of its id or label."""
    if key_type == KeyType.RSA:
        yield private
    wanted: list[dict[Attribute, object]] = [{Attribute.LABEL: private[Attribute.LABEL]}]
    # tpm2-pkcs11 gives its keys an empty id when they are made through it.
    if identity := private[Attribute.ID]:
        wanted.insert(0, {Attribute.ID: identity})
    for more in wanted:
        more[Attribute.KEY_TYPE] = key_type
        yield from list(_objects(session, ObjectClass.PUBLIC_KEY, more))


def _decode(key: pkcs11.Object, key_type: KeyType) -> RSAPublicKey | EllipticCurvePublicKey | None:
    if key_type == KeyType.RSA:
        exponent = int.from_bytes(key[Attribute.PUBLIC_EXPONENT])
        modulus = int.from_bytes(key[Attribute.MODULUS])
        rsa = RSAPublicNumbers(exponent, modulus).public_key()
        return rsa if rsa.key_size >= MIN_RSA_BITS else None
    if key_type == KeyType.EC and isinstance(key, pkcs11.PublicKey):
        ec = load_der_public_key(encode_ec_public_key(key))
        if isinstance(ec, EllipticCurvePublicKey) and isinstance(ec.curve, SECP256R1):
            return ec
    return None
