"""What a policy says to a wish for a certificate; the sentences are the server's."""

import re
from typing import Any

from tests.fakes.infisical.certificates import ttl
from tests.fakes.infisical.certificates.model import Wanted
from tests.fakes.infisical.certificates.words import (
    POLICY_KEY_ALGORITHMS,
    POLICY_SIGNATURE_ALGORITHMS,
)
from tests.fakes.infisical.errors import bad_request

_ATTRIBUTES = {"commonName": "common_name", "organization": "organization", "country": "country"}
_NOT_DEFINED = "is not allowed by template policy (not defined in template)"


def require_no_breach(rules: dict[str, Any], wanted: Wanted) -> None:
    """Refuse a wish that breaks the policy.

    Raises:
        ApiError: 400 with all breaches in one sentence.

    """
    found = [
        *_subject(rules.get("subject") or [], wanted),
        *_alt_names(rules.get("sans") or [], wanted.alt_names or []),
        *_usages(rules.get("keyUsages"), wanted.key_usages, "key usages"),
        *_usages(rules.get("extendedKeyUsages"), wanted.extended_key_usages, "extended key usages"),
        *_algorithms(rules.get("algorithms") or {}, wanted),
        *_validity(rules.get("validity") or {}, wanted.ttl),
        *_authority(is_wanted=wanted.is_authority),
    ]
    if found:
        raise bad_request(f"Certificate request validation failed: {', '.join(found)}")


def require_algorithms(rules: dict[str, Any], wanted: Wanted) -> None:
    """Refuse a wish that leaves open what a policy on algorithms speaks of.

    Raises:
        ApiError: 400 naming the first such algorithm.

    """
    algorithms = rules.get("algorithms") or {}
    for name, rule, value in (
        ("Key", "keyAlgorithm", wanted.key_algorithm),
        ("Signature", "signature", wanted.signature_algorithm),
    ):
        if algorithms.get(rule) and not value:
            raise bad_request(
                f"{name} algorithm is required by template policy but not provided in request"
            )


def _subject(rules: list[dict[str, Any]], wanted: Wanted) -> list[str]:
    asked = {
        _ATTRIBUTES[name]: text for name, text in wanted.subject.items() if name in _ATTRIBUTES
    }
    if not rules:
        reason = "is not allowed by template policy (no subject policies defined)"
        return [f"{name} {reason}" for name in asked]
    found = []
    for rule in rules:
        name = rule["type"]
        value, required = asked.get(name), rule.get("required") or []
        if value is None:
            found += [f"Missing required {name} attribute"] if required else []
            continue
        if required and not _matches(value, required):
            listed = ", ".join(required)
            found.append(f"{name} value '{value}' does not match any required patterns: {listed}")
        found += _value(rule, name, name, value)
    known = {rule["type"] for rule in rules}
    return found + [f"{name} {_NOT_DEFINED}" for name in asked if name not in known]


def _alt_names(rules: list[dict[str, Any]], asked: list[tuple[str, str]]) -> list[str]:
    if not rules:
        reason = "SAN is not allowed by template policy (no SAN policies defined)"
        return [f"{kind} {reason}" for kind, _ in asked]
    found = []
    for rule in rules:
        kind, values = rule["type"], [value for one, value in asked if one == rule["type"]]
        found += [
            f"Required {kind} SAN matching pattern '{pattern}' not found in request"
            for pattern in rule.get("required") or []
            if not any(_matches(value, [pattern]) for value in values)
        ]
        for value in values:
            found += _value(rule, kind, f"{kind} SAN", value)
    kinds = dict.fromkeys(kind for kind, _ in asked)
    known = {rule["type"] for rule in rules}
    return found + [f"{kind} SAN {_NOT_DEFINED}" for kind in kinds if kind not in known]


def _value(rule: dict[str, Any], kind: str, label: str, value: str) -> list[str]:
    """Return what a rule for one kind of value says to one value."""
    if rule.get("denied") and _matches(value, rule["denied"]):
        if label == kind:
            return [f"{kind} value '{value}' is denied by template policy"]
        return [f"{label} matching denied pattern '{value}' found in request"]
    allowed, required = rule.get("allowed") or [], rule.get("required") or []
    if not allowed or _matches(value, [*required, *allowed]):
        return []
    if any("*" in pattern for pattern in allowed):
        listed = ", ".join(allowed)
        return [f"{label} value '{value}' does not match allowed patterns: {listed}"]
    return [f"{label} value '{value}' is not in allowed values list"]


def _matches(value: str, patterns: list[str]) -> bool:
    """Tell whether one of the patterns fits; a star stands for anything, dots too."""
    return any(
        re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), value) for pattern in patterns
    )


def _usages(rule: dict[str, Any] | None, asked: list[str] | None, label: str) -> list[str]:
    if rule is None:
        refused = f"{label.capitalize()} are not allowed by template policy"
        return [f"{refused} (not defined in template)"] if asked else []
    allowed, required = rule.get("allowed") or [], rule.get("required") or []
    denied = rule.get("denied") or []
    usages = asked or []
    found = {
        f"Missing required {label}": [one for one in required if one not in usages],
        f"Denied {label} found in request": [one for one in usages if one in denied],
        f"Invalid {label}": [one for one in usages if one not in (*required, *allowed)],
    }
    return [f"{what}: {', '.join(which)}" for what, which in found.items() if which]


def _algorithms(rules: dict[str, Any], wanted: Wanted) -> list[str]:
    found = []
    for label, value, allowed, words in (
        ("Signature", wanted.signature_algorithm, rules.get("signature"),
         POLICY_SIGNATURE_ALGORITHMS),
        ("Key", wanted.key_algorithm, rules.get("keyAlgorithm"), POLICY_KEY_ALGORITHMS),
    ):  # fmt: skip
        if not value:
            continue
        if allowed is None:
            found.append(f"{label} algorithm '{value}' {_NOT_DEFINED}")
        elif allowed and value not in [words.get(one, one) for one in allowed]:
            found.append(f"{label} algorithm '{value}' is not allowed by template policy")
    return found


def _validity(rules: dict[str, Any], asked: str | None) -> list[str]:
    if not asked or not rules:
        return []
    span = ttl.milliseconds(asked)
    too_long = rules.get("max") and span > ttl.milliseconds(rules["max"])
    return ["Requested validity period exceeds maximum allowed duration"] if too_long else []


def _authority(*, is_wanted: bool) -> list[str]:
    reason = "CA certificate issuance is denied by this policy."
    return [f"{reason} The policy does not allow issuing CA certificates."] if is_wanted else []
