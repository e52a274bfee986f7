"""What a seed says of certificates: authorities, and profiles with their policies."""

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.infisical.ids import stable_id


def any_name(*kinds: str) -> list[dict[str, Any]]:
    """Return rules of a policy that take every value of some kinds, and no other kind."""
    return [{"type": kind, "allowed": ["*"]} for kind in kinds]


def policy(
    maximum: str = "90d", names: tuple[str, ...] = ("dns_name",), **others: Any
) -> dict[str, Any]:
    """Return the rules of a policy: those of the recorded one, but for what is given."""
    rules = {
        "subject": any_name("common_name"),
        "sans": any_name(*names),
        "keyUsages": {"allowed": ["digital_signature", "key_encipherment"]},
        "extendedKeyUsages": {"allowed": ["server_auth", "client_auth"]},
        "algorithms": {
            "signature": ["SHA256-ECDSA", "SHA256-RSA"],
            "keyAlgorithm": ["ECDSA-P256", "RSA-2048"],
        },
        "validity": {"max": maximum},
    }
    return rules | others


@dataclass
class AuthoritySeed:
    """An authority; `parent` names the one above it, which must come before it in the seed.

    `not_after` is ISO 8601; without it the authority outlives all tests.
    """

    name: str
    parent: str | None = None
    key_algorithm: str = "EC_prime256v1"
    common_name: str | None = None
    not_after: str | None = None


@dataclass
class ProfileSeed:
    """A profile of an authority; `waits_with` as in `RemoteCertificates.let_wait`."""

    slug: str
    authority: str
    policy: dict[str, Any] = field(default_factory=policy)
    defaults: dict[str, Any] = field(default_factory=lambda: {"ttlDays": 30})
    waits_with: str | None = None


def profile_id(project_id: str, slug: str) -> str:
    """Return the id of a seeded profile."""
    return stable_id("profile", project_id, slug)
