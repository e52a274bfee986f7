"""Makes X.509 certificates with the very extensions that the server gives, in its order."""

import datetime as dt
import secrets
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import AuthorityInformationAccessOID

from tests.fakes.infisical.certificates.model import Authority, Wanted
from tests.fakes.infisical.certificates.names import general_name, subject_name
from tests.fakes.infisical.certificates.words import (
    EXTENDED_KEY_USAGES,
    KEY_USAGES,
    PrivateKey,
    hash_of,
)

_ANY_POLICY = x509.ObjectIdentifier("2.5.29.32.0")
_SERIAL_BYTES = 20


@dataclass(slots=True, frozen=True)
class Span:
    """From when to when a certificate holds, in milliseconds since the epoch."""

    not_before: int
    not_after: int


def new_serial() -> int:
    """Return a serial number as the server makes it: 20 random bytes, the first bit clear."""
    return int.from_bytes(secrets.token_bytes(_SERIAL_BYTES)) >> 1 or 1


def serial_text(number: int) -> str:
    """Return a serial number as the server writes it."""
    return f"{number:0{2 * _SERIAL_BYTES}x}"


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: CertificatePublicKeyTypes,
    span: Span,
    serial: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(_moment(span.not_before))
        .not_valid_after(_moment(span.not_after))
    )


def _moment(milliseconds: int) -> dt.datetime:
    """Return a time in whole seconds, which is all that a certificate holds."""
    return dt.datetime.fromtimestamp(milliseconds // 1000, dt.UTC)


def key_usage(names: list[str]) -> x509.KeyUsage:
    """Return the key usage extension of Infisical's words."""
    return x509.KeyUsage(**{word: name in names for name, (_, word) in KEY_USAGES.items()})


def sign_authority(
    subject: dict[str, str],
    key: PrivateKey,
    span: Span,
    serial: int,
    parent: Authority | None,
    path_length: int | None,
) -> x509.Certificate:
    """Return an authority's certificate: its own signature, or that of the one above it."""
    name = subject_name(subject)
    issuer = name if parent is None else parent.certificate.subject
    builder = (
        _builder(name, issuer, key.public_key(), span, serial)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(key_usage(["key_cert_sign", "crl_sign"]), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if parent is not None:
        builder = builder.add_extension(_issuer_key(parent), critical=False)
    signer = key if parent is None else parent.key
    return _sign(builder, signer, hashes.SHA256(), deterministic=True)


def _sign(
    builder: x509.CertificateBuilder,
    key: PrivateKey,
    algorithm: hashes.SHA256 | hashes.SHA384 | hashes.SHA512,
    *,
    deterministic: bool = False,
) -> x509.Certificate:
    """Sign; a seeded authority's certificate comes out the same at every start."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return builder.sign(key, algorithm, ecdsa_deterministic=deterministic)
    return builder.sign(key, algorithm)


def _issuer_key(authority: Authority) -> x509.AuthorityKeyIdentifier:
    identifier = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier.value)


def sign_leaf(
    authority: Authority,
    wanted: Wanted,
    public_key: CertificatePublicKeyTypes,
    span: Span,
    site_url: str,
) -> x509.Certificate:
    """Return a certificate for a key."""
    builder = _builder(
        subject_name(wanted.subject),
        authority.certificate.subject,
        public_key,
        span,
        new_serial(),
    )
    for extension, critical in _extensions(authority, wanted, public_key, site_url):
        builder = builder.add_extension(extension, critical=critical)
    return _sign(builder, authority.key, hash_of(wanted.signature_algorithm or "ECDSA-SHA256"))


def _extensions(
    authority: Authority, wanted: Wanted, public_key: CertificatePublicKeyTypes, site_url: str
) -> list[tuple[x509.ExtensionType, bool]]:
    """Return the extensions with whether each is critical."""
    base = f"{site_url}/api/v1/cert-manager"
    issuer = f"{base}/ca/internal/{authority.id}/certificates/{authority.certificate_id}/der"
    constraints = x509.BasicConstraints(ca=wanted.is_authority, path_length=None)
    revocations = _revocations(f"{base}/crl/{authority.crl_id}/der")
    keys: list[x509.ExtensionType] = [
        _issuer_key(authority),
        x509.SubjectKeyIdentifier.from_public_key(public_key),
    ]
    # Two hands wrote the two ways to issue; nothing but the order differs.
    ordered = [*keys, revocations] if wanted.public_key is not None else [revocations, *keys]
    access = x509.AccessDescription(
        AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(issuer)
    )
    plain: list[x509.ExtensionType] = [
        constraints,
        *ordered,
        x509.AuthorityInformationAccess([access]),
        x509.CertificatePolicies([x509.PolicyInformation(_ANY_POLICY, None)]),
    ]
    return [(one, False) for one in plain] + _usages(wanted)


def _revocations(url: str) -> x509.CRLDistributionPoints:
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
    return x509.CRLDistributionPoints([point])


def _usages(wanted: Wanted) -> list[tuple[x509.ExtensionType, bool]]:
    found: list[tuple[x509.ExtensionType, bool]] = []
    if wanted.key_usages:
        found.append((key_usage(wanted.key_usages), True))
    if wanted.extended_key_usages:
        oids = [EXTENDED_KEY_USAGES[name][1] for name in wanted.extended_key_usages]
        found.append((x509.ExtendedKeyUsage(oids), True))
    if wanted.alt_names:
        names = [general_name(kind, value) for kind, value in wanted.alt_names]
        found.append((x509.SubjectAlternativeName(names), False))
    return found
