"""Client certificates for tests, each from a fresh authority."""

import datetime as dt
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LIFE = dt.timedelta(days=2)
_PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class ClientPair:
    """PEM texts: a client certificate, its key, and the authority that signed it."""

    certificate: str
    key: str
    ca: str


def client_pair(name: str, password: bytes = b"") -> ClientPair:
    """Return a client certificate for a common name; its key is encrypted by a password."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = _name(f"{name} CA")
    ca = _builder(ca_name, ca_name, ca_key).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    client = _builder(_name(name), ca_name, key)
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        protection = serialization.BestAvailableEncryption(password)
    return ClientPair(
        client.sign(ca_key, hashes.SHA256()).public_bytes(_PEM).decode(),
        key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, protection).decode(),
        ca.sign(ca_key, hashes.SHA256()).public_bytes(_PEM).decode(),
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LIFE)
        .not_valid_after(now + _LIFE)
    )
