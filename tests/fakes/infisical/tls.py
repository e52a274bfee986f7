"""A certificate authority and a server certificate for stand-ins that speak TLS."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LIFE = dt.timedelta(days=2)


@dataclass(frozen=True)
class TlsFiles:
    """Where the PEM files are: the authority that clients trust, and the server's pair.

    With `client_ca` the server asks for a client certificate, and takes one of those authorities'.
    """

    ca: Path
    certificate: Path
    key: Path
    client_ca: Path | None = None


def make_tls_files(folder: Path, host: str = "127.0.0.1", *, expired: bool = False) -> TlsFiles:
    """Write a fresh authority and a server certificate for `host` and `localhost`."""
    ca_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = _name("Stand-in CA")
    ca = _builder(ca_name, ca_name, ca_key, expired=False).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    ca = ca.add_extension(identifier, critical=False)
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    ca = ca.add_extension(usage, critical=True)
    names = [x509.DNSName("localhost"), _general_name(host)]
    server = _builder(_name(host), ca_name, server_key, expired=expired).add_extension(
        x509.SubjectAlternativeName(names), critical=False
    )
    issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    server = server.add_extension(issuer, critical=False)
    files = TlsFiles(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    pem = serialization.Encoding.PEM
    files.ca.write_bytes(ca.sign(ca_key, hashes.SHA256()).public_bytes(pem))
    files.certificate.write_bytes(server.sign(ca_key, hashes.SHA256()).public_bytes(pem))
    files.key.write_bytes(
        server_key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, expired: bool
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    end = now - _LIFE / 4 if expired else now + _LIFE
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LIFE)
        .not_valid_after(end)
    )
