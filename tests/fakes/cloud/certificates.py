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
    """PEM texts: a client certificate and its key."""

    certificate: str
    key: str


class ClientAuthority:
    """Signs client certificates."""

    def __init__(self, name: str) -> None:
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        certificate = _builder(self._name, self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.ca = self._signed(certificate)

    def pair(self, name: str, password: bytes = b"") -> ClientPair:
        """Return a client certificate for a common name; a password encrypts its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password:
            protection = serialization.BestAvailableEncryption(password)
        return ClientPair(
            self._signed(_builder(_name(name), self._name, key)),
            key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, protection).decode(),
        )

    def _signed(self, certificate: x509.CertificateBuilder) -> str:
        return certificate.sign(self._key, hashes.SHA256()).public_bytes(_PEM).decode()


def client_pair(name: str, password: bytes = b"") -> ClientPair:
    """Return a client certificate of an authority of its own."""
    return ClientAuthority(f"{name} CA").pair(name, password)


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
