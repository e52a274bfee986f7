"""What a certificate manager keeps: authorities, policies, profiles, certificates, requests.

Times are milliseconds since the epoch.
"""

from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from tests.fakes.infisical.certificates.words import PrivateKey, certificate_pem


@dataclass(slots=True)
class Authority:
    """An internal authority; without a parent it is a root."""

    id: str
    certificate_id: str
    crl_id: str
    project_id: str
    name: str
    subject: dict[str, str]
    key_algorithm: str
    key: PrivateKey
    certificate: x509.Certificate
    not_before: int
    not_after: int
    max_path_length: int
    parent: "Authority | None" = None

    @property
    def pem(self) -> str:
        """The authority's certificate."""
        return certificate_pem(self.certificate)

    @property
    def chain(self) -> list[str]:
        """The authority's certificate and those above it, the root last."""
        return [self.pem, *(self.parent.chain if self.parent is not None else [])]


@dataclass(slots=True)
class Policy:
    """A certificate policy; `rules` are as they were sent."""

    id: str
    project_id: str
    name: str
    rules: dict[str, Any]
    created_at: int


@dataclass(slots=True)
class Profile:
    """A certificate profile; `waits_with` is the status in which its requests wait, if they do."""

    id: str
    project_id: str
    slug: str
    authority: Authority
    policy: Policy
    api_config_id: str
    api_config: dict[str, Any]
    defaults: dict[str, Any] | None
    created_at: int
    waits_with: str | None = None


@dataclass(slots=True)
class Wanted:
    """What a certificate shall be; None is what was not asked for.

    `public_key` is a signing request's; without one the server makes the key.
    """

    subject: dict[str, str]
    alt_names: list[tuple[str, str]] | None = None
    key_usages: list[str] | None = None
    extended_key_usages: list[str] | None = None
    key_algorithm: str | None = None
    signature_algorithm: str | None = None
    ttl: str | None = None
    is_authority: bool = False
    public_key: CertificatePublicKeyTypes | None = None


@dataclass(slots=True)
class Certificate:
    """An issued certificate; `private_key` is None when the key is the client's own.

    `told_chain` is what a test has answered in the place of the chain.
    """

    id: str
    profile: Profile
    wanted: Wanted
    certificate: x509.Certificate
    pem: str
    issuer: str
    chain: list[str]
    serial: str
    private_key: str | None
    not_before: int
    not_after: int
    created_at: int
    updated_at: int
    renewed_from: str | None = None
    renewed_by: str | None = None
    revoked_at: int | None = None
    revocation_reason: int | None = None
    told_chain: str | None = None

    def chain_text(self, *, without_root: bool = False) -> str:
        """Return the chain as one text, the root last or left out."""
        if self.told_chain is not None:
            return self.told_chain
        return "\n".join(self.chain[:-1] if without_root else self.chain)

    def status(self, now: int) -> str:
        """Return `active`, `revoked` or `expired`."""
        if self.revoked_at is not None:
            return "revoked"
        return "active" if now < self.not_after else "expired"


@dataclass(slots=True)
class CertificateRequest:
    """A request for a certificate, with what became of it."""

    id: str
    profile: Profile
    wanted: Wanted
    status: str
    created_at: int
    updated_at: int
    certificate: Certificate | None = None
    error: str | None = None
