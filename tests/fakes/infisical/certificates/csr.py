"""Reads what a certificate shall be from a signing request."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from tests.fakes.infisical.certificates.model import Wanted
from tests.fakes.infisical.certificates.names import alternative_names, subject_of
from tests.fakes.infisical.certificates.words import (
    EXTENDED_KEY_USAGES,
    KEY_USAGES,
    key_algorithm_of,
    signature_algorithm_of,
)
from tests.fakes.infisical.errors import bad_request, went_wrong


def from_csr(text: str, asked: Wanted) -> Wanted:
    """Return what a signing request asks for; of the attributes only the TTL counts.

    The server does not look at the request's own signature, and neither does this.

    Raises:
        ApiError: 500 for what is no signing request, 400 for an unknown usage or algorithm.

    """
    try:
        request = x509.load_pem_x509_csr(text.encode())
        public_key, extensions = request.public_key(), request.extensions
        wanted = Wanted(subject_of(request.subject), public_key=public_key, ttl=asked.ttl)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise went_wrong() from error
    for extension in extensions:
        _read_extension(extension.value, wanted)
    wanted.is_authority = wanted.is_authority or asked.is_authority
    wanted.key_algorithm = key_algorithm_of(public_key)
    wanted.signature_algorithm = signature_algorithm_of(request)
    if wanted.key_algorithm is None:
        raise bad_request(f"Unsupported key algorithm in CSR: {type(public_key).__name__}")
    if wanted.signature_algorithm is None:
        oid = request.signature_algorithm_oid.dotted_string
        raise bad_request(f"Unsupported signature algorithm in CSR: {oid}")
    return wanted


def _read_extension(value: x509.ExtensionType, wanted: Wanted) -> None:
    match value:
        case x509.SubjectAlternativeName():
            wanted.alt_names = alternative_names(value)
        case x509.BasicConstraints():
            wanted.is_authority = value.ca
        case x509.KeyUsage():
            wanted.key_usages = [name for name in KEY_USAGES if _has(value, KEY_USAGES[name][1])]
        case x509.ExtendedKeyUsage():
            wanted.extended_key_usages = [_extended(oid) for oid in value]


def _has(usages: x509.KeyUsage, name: str) -> bool:
    if name.endswith("_only") and not usages.key_agreement:
        return False  # the library refuses to tell
    return bool(getattr(usages, name))


def _extended(oid: x509.ObjectIdentifier) -> str:
    for name, (_, mine) in EXTENDED_KEY_USAGES.items():
        if mine == oid:
            return name
    raise bad_request(f"Unsupported extended key usage in CSR: {oid.dotted_string}")
