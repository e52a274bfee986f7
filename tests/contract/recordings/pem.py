"""Holds a PEM text against a recorded one: certificates extension by extension, keys by kind.

Keys, signatures, serial numbers and times cannot be equal; all else must be.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import serialization

Differ = Callable[[str, str, str], list[str]]

_BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----\n(?:[A-Za-z0-9+/=]{64}\n)*[A-Za-z0-9+/=]+\n"
                    r"-----END \1-----")  # fmt: skip
_URL = re.compile(r"https?://[^'\"]+")


def is_pem(text: str) -> bool:
    """Tell whether a text is PEM."""
    return text.startswith("-----BEGIN ")


def differences(recorded: str, answered: str, path: str, made_up: Differ) -> list[str]:
    """Return what differs; `made_up` holds two made-up values against each other."""
    ours, theirs = (list(_BLOCK.finditer(text)) for text in (recorded, answered))
    if [one[1] for one in ours] != [one[1] for one in theirs]:
        return [f"{path}: recorded {recorded!r}, answered {answered!r}"]
    between = [_BLOCK.sub("", text) for text in (recorded, answered)]
    found = [] if between[0] == between[1] else [f"{path}: other text around the blocks"]
    for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        compare = _certificates if one[1] == "CERTIFICATE" else _keys
        found += compare(one[0], other[0], f"{path}<{index}>", made_up)
    return found


def _keys(recorded: str, answered: str, path: str, _: Differ) -> list[str]:
    ours, theirs = (
        _kind(serialization.load_pem_private_key(text.encode(), None).public_key())
        for text in (recorded, answered)
    )
    return [] if ours == theirs else [f"{path}: recorded a key {ours}, answered {theirs}"]


def _kind(public_key: object) -> tuple[str, object, object]:
    curve, size = getattr(public_key, "curve", None), getattr(public_key, "key_size", None)
    return type(public_key).__name__, getattr(curve, "name", None), size


def _certificates(recorded: str, answered: str, path: str, made_up: Differ) -> list[str]:
    ours, theirs = (x509.load_pem_x509_certificate(one.encode()) for one in (recorded, answered))
    found = []
    for name, of in _FACTS.items():
        if of(ours) != of(theirs):
            found.append(f"{path}.{name}: recorded {of(ours)!r}, answered {of(theirs)!r}")
    same_end = ours.not_valid_after_utc == theirs.not_valid_after_utc
    if not same_end and _span(ours) != _span(theirs):
        found.append(f"{path}.validity: recorded {_span(ours)}, answered {_span(theirs)}")
    found += made_up(_serial(ours), _serial(theirs), f"{path}.serial")
    for one, other in zip(ours.extensions, theirs.extensions, strict=False):
        found += _extensions(one, other, f"{path}.{one.oid.dotted_string}", made_up)
    return found


def _identifies(certificate: x509.Certificate) -> bool:
    """Tell whether the subject key identifier is the one of the certificate's own key."""
    value = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return value == x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())


_FACTS: dict[str, Callable[[x509.Certificate], object]] = {
    "version": lambda one: one.version,
    "signature": lambda one: one.signature_algorithm_oid,
    "issuer": lambda one: one.issuer.public_bytes(),
    "subject": lambda one: one.subject.public_bytes(),
    "key": lambda one: _kind(one.public_key()),
    "extensions": lambda one: [(each.oid.dotted_string, each.critical) for each in one.extensions],
    "key identifier": _identifies,
}


def _serial(certificate: x509.Certificate) -> str:
    return f"{certificate.serial_number:040x}"


def _hex(identifier: bytes | None) -> str:
    return identifier.hex() if identifier is not None else ""


def _span(certificate: x509.Certificate) -> object:
    return certificate.not_valid_after_utc - certificate.not_valid_before_utc


def _extensions(
    recorded: x509.Extension[x509.ExtensionType],
    answered: x509.Extension[x509.ExtensionType],
    path: str,
    made_up: Differ,
) -> list[str]:
    ours, theirs = recorded.value, answered.value
    match (ours, theirs):
        case (x509.SubjectKeyIdentifier(), x509.SubjectKeyIdentifier()):
            return made_up(ours.digest.hex(), theirs.digest.hex(), path)
        case (x509.AuthorityKeyIdentifier(), x509.AuthorityKeyIdentifier()):
            return made_up(_hex(ours.key_identifier), _hex(theirs.key_identifier), path)
    found = []
    for one, other in zip(_urls(ours), _urls(theirs), strict=False):
        for mine, their in zip(one, other, strict=False):
            found += made_up(mine, their, path)
    if _without_urls(ours) != _without_urls(theirs):
        found.append(f"{path}: recorded {ours!r}, answered {theirs!r}")
    return found


def _urls(value: x509.ExtensionType) -> list[list[str]]:
    """Return the paths of an extension's URLs; where the server is, is its own affair."""
    return [urlsplit(one).path.split("/") for one in _URL.findall(repr(value))]


def _without_urls(value: x509.ExtensionType) -> tuple[str, list[int]]:
    return _URL.sub("<url>", repr(value)), [len(one) for one in _urls(value)]
