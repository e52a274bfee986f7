"""Certificates that come out wrong: what a hostile or broken Infisical would issue."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from tests.fakes.infisical.certificates.model import Authority, Certificate, Wanted
from tests.fakes.infisical.certificates.signing import Span
from tests.fakes.infisical.certificates.store import CertificateStore, Misissue
from tests.fakes.infisical.certificates.words import new_key

_HOUR = 3_600_000  # milliseconds


@dataclass(slots=True)
class Draft:
    """A certificate that is about to be signed."""

    authority: Authority
    wanted: Wanted
    public_key: CertificatePublicKeyTypes
    span: Span


Bend = Callable[[Draft, dict[str, Any], CertificateStore], None]


def _shorter(draft: Draft, parameters: dict[str, Any], _: CertificateStore) -> None:
    end = draft.span.not_before + int(parameters["seconds"] * 1000)
    draft.span = replace(draft.span, not_after=end)


def _expired(draft: Draft, _: dict[str, Any], __: CertificateStore) -> None:
    """Let it have ended an hour ago, after as long a life as was asked for."""
    _shift(draft, draft.span.not_before - draft.span.not_after - _HOUR)


def _not_yet_valid(draft: Draft, _: dict[str, Any], __: CertificateStore) -> None:
    """Let it begin in an hour."""
    _shift(draft, _HOUR)


def _shift(draft: Draft, by: int) -> None:
    draft.span = Span(draft.span.not_before + by, draft.span.not_after + by)


def _other_names(draft: Draft, parameters: dict[str, Any], _: CertificateStore) -> None:
    names = parameters["names"]
    subject = draft.wanted.subject | {"commonName": names[0]}
    alt_names = [("dns_name", name) for name in names]
    draft.wanted = replace(draft.wanted, subject=subject, alt_names=alt_names)


def _another_key(draft: Draft, _: dict[str, Any], __: CertificateStore) -> None:
    draft.public_key = new_key(draft.wanted.key_algorithm or "EC_prime256v1").public_key()


def _forged(draft: Draft, _: dict[str, Any], __: CertificateStore) -> None:
    """Sign with a key that is not the authority's: all but the signature is as it should be."""
    draft.authority = replace(draft.authority, key=new_key(draft.authority.key_algorithm))


def _other_authority(draft: Draft, parameters: dict[str, Any], store: CertificateStore) -> None:
    draft.authority = store.authority_named(parameters["name"])


def _as_authority(draft: Draft, _: dict[str, Any], __: CertificateStore) -> None:
    draft.wanted = replace(draft.wanted, is_authority=True)


def _unbent(_: Draft, __: dict[str, Any], ___: CertificateStore) -> None:
    """Sign as it should be; the answer differs, see `overwrite`."""


_BENDS: dict[str, Bend] = {
    "shorter": _shorter,
    "expired": _expired,
    "not-yet-valid": _not_yet_valid,
    "other-names": _other_names,
    "another-key": _another_key,
    "forged": _forged,
    "other-authority": _other_authority,
    "as-authority": _as_authority,
    "answer": _unbent,
}


def add(store: CertificateStore, body: dict[str, Any]) -> None:
    """Add a rule from the control API.

    Raises:
        ValueError: for a kind that does not exist.

    """
    parameters = dict(body)
    kind, times = parameters.pop("kind"), parameters.pop("times", None)
    if kind not in _BENDS:
        raise ValueError(f"kind {kind!r} is not one of {sorted(_BENDS)}")
    store.misissues.append(Misissue(kind, parameters, times))


def take(store: CertificateStore) -> Misissue | None:
    """Return the first rule in force, if any, and count it down."""
    for rule in store.misissues:
        if rule.times != 0:
            rule.times = None if rule.times is None else rule.times - 1
            return rule
    return None


def bend(rule: Misissue, draft: Draft, store: CertificateStore) -> None:
    """Change what is about to be signed."""
    _BENDS[rule.kind](draft, rule.parameters, store)


def overwrite(rule: Misissue, certificate: Certificate) -> None:
    """Change what all routes tell of a certificate, where the rule is of that kind."""
    told = rule.parameters if rule.kind == "answer" else {}
    certificate.pem = told.get("certificate", certificate.pem)
    certificate.issuer = told.get("issuingCaCertificate", certificate.issuer)
    certificate.told_chain = told.get("certificateChain")
    certificate.private_key = told.get("privateKey", certificate.private_key)
    certificate.serial = told.get("serialNumber", certificate.serial)
