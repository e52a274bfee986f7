"""Names in certificates: subjects in the order of the server, and alternative names."""

import ipaddress
import re

from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID, ObjectIdentifier

# The server's order; the words of its requests, and the short forms of a written name.
_FIELDS: dict[str, tuple[ObjectIdentifier, str]] = {
    "country": (NameOID.COUNTRY_NAME, "C"),
    "organization": (NameOID.ORGANIZATION_NAME, "O"),
    "organizationalUnit": (NameOID.ORGANIZATIONAL_UNIT_NAME, "OU"),
    "state": (NameOID.STATE_OR_PROVINCE_NAME, "ST"),
    "commonName": (NameOID.COMMON_NAME, "CN"),
    "locality": (NameOID.LOCALITY_NAME, "L"),
}
SUBJECT_FIELDS = ["commonName", *(name for name in _FIELDS if name != "commonName")]
_PRINTABLE = re.compile(r"\A[A-Za-z0-9 '()+,\-./:=?]*\Z")  # X.680, PrintableString


def subject_name(subject: dict[str, str]) -> x509.Name:
    """Return a name with PrintableString where that can hold the text, as the server writes it."""
    attributes = []
    for field, (oid, _) in _FIELDS.items():
        if subject.get(field):
            text = subject[field]
            kind = _ASN1Type.PrintableString if _PRINTABLE.match(text) else _ASN1Type.UTF8String
            attributes.append(x509.NameAttribute(oid, text, kind))
    return x509.Name(attributes)


def written(subject: dict[str, str]) -> str:
    """Return a name in one line, such as `O=Lab, CN=Lab Root CA`."""
    parts = ((short, subject.get(field)) for field, (_, short) in _FIELDS.items())
    return ", ".join(f"{short}={text}" for short, text in parts if text)


def subject_of(name: x509.Name) -> dict[str, str]:
    """Return the fields of a name that the server knows; of several of a kind the first."""
    found = {}
    for field, (oid, _) in _FIELDS.items():
        values = name.get_attributes_for_oid(oid)
        if values and values[0].value:
            found[field] = str(values[0].value)
    return found


def general_name(kind: str, value: str) -> x509.GeneralName:
    """Return an alternative name.

    Raises:
        ValueError: for an address that is none.

    """
    match kind:
        case "ip_address":
            return x509.IPAddress(ipaddress.ip_address(value))
        case "email":
            return x509.RFC822Name(value)
        case "uri":
            return x509.UniformResourceIdentifier(value)
        case _:
            return x509.DNSName(value)


def alternative_names(names: x509.SubjectAlternativeName) -> list[tuple[str, str]]:
    """Return the alternative names of the four types that the server takes; it drops others."""
    found = []
    for name in names:
        match name:
            case x509.DNSName():
                found.append(("dns_name", name.value))
            case x509.IPAddress():
                found.append(("ip_address", str(name.value)))
            case x509.RFC822Name():
                found.append(("email", name.value))
            case x509.UniformResourceIdentifier():
                found.append(("uri", name.value))
    return found
