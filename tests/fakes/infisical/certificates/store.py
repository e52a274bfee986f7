"""All that a certificate manager keeps, and what tests made of its issuing."""

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.infisical.certificates.model import (
    Authority,
    Certificate,
    CertificateRequest,
    Policy,
    Profile,
)


@dataclass(slots=True)
class Misissue:
    """A way in which certificates come out wrong, and how often yet; None is always."""

    kind: str
    parameters: dict[str, Any]
    times: int | None = None


@dataclass(slots=True)
class CertificateStore:
    """All of them by id, and what tests made of the issuing; `site_url` goes into certificates."""

    site_url: str = "http://127.0.0.1"
    authorities: dict[str, Authority] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)
    certificates: dict[str, Certificate] = field(default_factory=dict)
    requests: dict[str, CertificateRequest] = field(default_factory=dict)
    misissues: list[Misissue] = field(default_factory=list)

    def profile_named(self, slug: str) -> Profile:
        """Return a profile by its slug.

        Raises:
            ValueError: when there is none.

        """
        for profile in self.profiles.values():
            if profile.slug == slug:
                return profile
        raise ValueError(f"no certificate profile {slug!r}")

    def authority_named(self, name: str) -> Authority:
        """Return an authority by its name.

        Raises:
            ValueError: when there is none.

        """
        for authority in self.authorities.values():
            if authority.name == name:
                return authority
        raise ValueError(f"no certificate authority {name!r}")
