"""Reads what a certificate shall be from the fields of a request."""

import re
from typing import Any

from tests.fakes.infisical.certificates import ttl
from tests.fakes.infisical.certificates.model import Wanted
from tests.fakes.infisical.certificates.names import SUBJECT_FIELDS
from tests.fakes.infisical.certificates.words import (
    EXTENDED_KEY_USAGES,
    KEY_ALGORITHMS,
    KEY_USAGES,
    NAME_TYPES,
    SIGNATURE_ALGORITHMS,
)
from tests.fakes.infisical.errors import bad_request
from tests.fakes.infisical.schema import Fields, custom, invalid_enum, invalid_type, type_name

_UUID = re.compile(r"\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_CSR_CHARACTERS = 4096


def uuid(fields: Fields, name: str) -> str:
    """Return a required UUID; complains as Zod does."""
    text = fields.text(name)
    if isinstance(fields.source.get(name), str) and not _UUID.match(text):
        issue = {"validation": "uuid", "code": "invalid_string", "message": "Invalid uuid"}
        fields.issues.append(issue | {"path": [*fields.prefix, name]})
    return text


def csr_text(fields: Fields) -> str | None:
    """Return the signing request of a request, if there is one."""
    if "csr" not in fields.source:
        return None
    return fields.text("csr", _problem_with_csr).strip()


def _problem_with_csr(text: str) -> str | None:
    if not text.strip():
        return "CSR cannot be empty"
    too_long = len(text.strip()) > _CSR_CHARACTERS
    return f"CSR cannot exceed {_CSR_CHARACTERS} characters" if too_long else None


def from_attributes(source: Any, issues: list[Any]) -> Wanted:
    """Return what the attributes ask for; what is wrong with them goes to the issues."""
    fields = Fields(source, ("attributes",), issues)
    unknown = [name for name in ("notBefore", "notAfter") if name in fields.source]
    if unknown:  # no answer at all is better than a certificate that ignores them
        raise bad_request(f"The stand-in does not know {' and '.join(unknown)}; send a ttl")
    subject = {name: fields.optional(name) or "" for name in _given(fields, SUBJECT_FIELDS)}
    wanted = Wanted({name: text for name, text in subject.items() if text})
    wanted.alt_names = _alt_names(fields)
    wanted.key_usages = _choices(fields, "keyUsages", [*KEY_USAGES])
    wanted.extended_key_usages = _choices(fields, "extendedKeyUsages", [*EXTENDED_KEY_USAGES])
    wanted.key_algorithm = _choice(fields, "keyAlgorithm", KEY_ALGORITHMS)
    wanted.signature_algorithm = _choice(fields, "signatureAlgorithm", [*SIGNATURE_ALGORITHMS])
    wanted.ttl = fields.text("ttl", ttl.problem_with) if "ttl" in fields.source else None
    constraints = fields.value("basicConstraints", "object", required=False) or {}
    wanted.is_authority = constraints.get("isCA") is True
    return wanted


def _given(fields: Fields, names: list[str]) -> list[str]:
    """Return which fields are there; null stands for none."""
    return [name for name in names if fields.source.get(name) is not None]


def _choice(fields: Fields, name: str, options: list[str]) -> str | None:
    return fields.choice(name, options, "") if name in fields.source else None


def _choices(fields: Fields, name: str, options: list[str]) -> list[str] | None:
    values = fields.value(name, "array", required=False)
    for index, value in enumerate(values or []):
        if value not in options:
            fields.issues.append(invalid_enum(options, value, (*fields.prefix, name, index)))
    return values if isinstance(values, list) else None


def _alt_names(fields: Fields) -> list[tuple[str, str]] | None:
    values = fields.value("altNames", "array", required=False)
    if values is None:
        return None
    found = []
    for index, value in enumerate(values):
        place = (*fields.prefix, "altNames", index)
        if not isinstance(value, dict):
            fields.issues.append(invalid_type("object", type_name(value), place))
            continue
        entry = Fields(value, place, fields.issues)
        kind, name = entry.choice("type", NAME_TYPES, ""), entry.text("value")
        if kind in NAME_TYPES and not name:
            fields.issues.append(custom("SAN value cannot be empty", (*place, "value")))
        found.append((kind, name))
    return found


def with_defaults(wanted: Wanted, defaults: dict[str, Any] | None) -> Wanted:
    """Fill in a profile's defaults where nothing was asked for."""
    given = defaults or {}
    for field in SUBJECT_FIELDS:
        if field in given:
            wanted.subject.setdefault(field, given[field])
    wanted.key_usages = _or(wanted.key_usages, given.get("keyUsages"))
    wanted.extended_key_usages = _or(wanted.extended_key_usages, given.get("extendedKeyUsages"))
    wanted.key_algorithm = wanted.key_algorithm or given.get("keyAlgorithm")
    wanted.signature_algorithm = wanted.signature_algorithm or given.get("signatureAlgorithm")
    return wanted


def _or(mine: list[str] | None, default: list[str] | None) -> list[str] | None:
    return default if mine is None else mine
