"""What a policy says to a wish, rule by rule."""

from typing import Any

import pytest

from tests.fakes.infisical.certificates.model import Wanted
from tests.fakes.infisical.certificates.policy import require_algorithms, require_no_breach
from tests.fakes.infisical.certificates.seed import policy
from tests.fakes.infisical.errors import ApiError

NOT_DEFINED = "is not allowed by template policy (not defined in template)"
PREFIX = "Certificate request validation failed: "


def wish(**others: Any) -> Wanted:
    """Return a wish that the recorded policy grants, but for what is given."""
    wanted = Wanted({"commonName": "a.example"}, [("dns_name", "a.example")])
    wanted.key_algorithm, wanted.signature_algorithm = "EC_prime256v1", "ECDSA-SHA256"
    for name, value in others.items():
        setattr(wanted, name, value)
    return wanted


def rule(field: str, kind: str, **patterns: list[str]) -> dict[str, Any]:
    """Return a policy in which one kind of value has these patterns."""
    return policy() | {field: [{"type": kind, **patterns}]}


def subject(**patterns: list[str]) -> dict[str, Any]:
    """Return a policy on the common name."""
    return rule("subject", "common_name", **patterns)


def names(**patterns: list[str]) -> dict[str, Any]:
    """Return a policy on DNS names."""
    return rule("sans", "dns_name", **patterns)


def breach(rules: dict[str, Any], wanted: Wanted) -> str:
    """Return what the policy says, "" if nothing."""
    try:
        require_no_breach(rules, wanted)
    except ApiError as error:
        return str(error.message).removeprefix(PREFIX)
    return ""


@pytest.mark.parametrize(
    "rules",
    [
        policy(),
        subject(allowed=["a.example"]),
        subject(allowed=["*.example"]),
        subject(required=["a.*"], allowed=["b.example"]),
        subject(denied=["b.example"]),
        names(allowed=["*.example"]),
        names(required=["a.example"]),
        policy(validity={}),
        policy(algorithms={"signature": [], "keyAlgorithm": []}),
    ],
)
def test_a_good_wish(rules: dict[str, Any]) -> None:
    assert breach(rules, wish()) == ""


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (subject(allowed=["b"]), "common_name value 'a.example' is not in allowed values list"),
        (
            subject(allowed=["b", "*.c"]),
            "common_name value 'a.example' does not match allowed patterns: b, *.c",
        ),
        (
            subject(allowed=["a?example"]),
            "common_name value 'a.example' is not in allowed values list",
        ),
        (
            subject(required=["b.*"]),
            "common_name value 'a.example' does not match any required patterns: b.*",
        ),
        (subject(denied=["a.*"]), "common_name value 'a.example' is denied by template policy"),
        (
            policy(subject=[]),
            "common_name is not allowed by template policy (no subject policies defined)",
        ),
        (names(allowed=["b"]), "dns_name SAN value 'a.example' is not in allowed values list"),
        (
            names(required=["b"], allowed=["*"]),
            "Required dns_name SAN matching pattern 'b' not found in request",
        ),
        (names(denied=["*"]), "dns_name SAN matching denied pattern 'a.example' found in request"),
        (
            policy(sans=[]),
            "dns_name SAN is not allowed by template policy (no SAN policies defined)",
        ),
        (
            policy(algorithms={"keyAlgorithm": ["ECDSA-P256"]}),
            f"Signature algorithm 'ECDSA-SHA256' {NOT_DEFINED}",
        ),
        (
            policy(algorithms={"signature": ["SHA256-RSA"], "keyAlgorithm": ["ECDSA-P256"]}),
            "Signature algorithm 'ECDSA-SHA256' is not allowed by template policy",
        ),
        (policy(keyUsages={"required": ["crl_sign"]}), "Missing required key usages: crl_sign"),
    ],
)
def test_each_breach(rules: dict[str, Any], said: str) -> None:
    assert breach(rules, wish()) == said


def test_a_required_attribute_is_missed() -> None:
    assert breach(subject(required=["*"]), wish(subject={})) == (
        "Missing required common_name attribute"
    )


@pytest.mark.parametrize("label", ["key usages", "extended key usages"])
def test_usages(label: str) -> None:
    rule_name = "keyUsages" if label == "key usages" else "extendedKeyUsages"
    field = label.replace(" ", "_")
    asked = wish()
    setattr(asked, field, ["one", "two"])
    assert breach(policy() | {rule_name: {"allowed": ["one", "two"]}}, asked) == ""
    assert breach(policy() | {rule_name: {"allowed": ["one"]}}, asked) == f"Invalid {label}: two"
    denied = policy() | {rule_name: {"allowed": ["one", "two"], "denied": ["two"]}}
    assert breach(denied, asked) == f"Denied {label} found in request: two"
    nothing = f"{label.capitalize()} are not allowed by template policy (not defined in template)"
    assert breach(policy() | {rule_name: None}, asked) == nothing
    assert breach(policy() | {rule_name: None}, wish()) == ""


@pytest.mark.parametrize(
    ("missing", "said"), [("key_algorithm", "Key"), ("signature_algorithm", "Signature")]
)
def test_an_algorithm_that_the_policy_speaks_of_must_be_given(missing: str, said: str) -> None:
    require_algorithms(policy(), wish())
    with pytest.raises(ApiError) as caught:
        require_algorithms(policy(), wish(**{missing: None}))
    assert str(caught.value.message).startswith(f"{said} algorithm is required")
