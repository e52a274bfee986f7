"""All that the running server keeps."""

from dataclasses import dataclass, field

from tests.fakes.infisical.certificates.store import CertificateStore
from tests.fakes.infisical.clock import Clock
from tests.fakes.infisical.faults import FaultRules
from tests.fakes.infisical.model import Identity, Project
from tests.fakes.infisical.ratelimit import RateLimiter
from tests.fakes.infisical.requestlog import RequestLog
from tests.fakes.infisical.tokens import Tokens


@dataclass(slots=True)
class State:
    """One Infisical instance: what is in it, and what tests do to it."""

    clock: Clock
    tokens: Tokens
    limiter: RateLimiter
    faults: FaultRules = field(default_factory=FaultRules)
    log: RequestLog = field(default_factory=RequestLog)
    identities: dict[str, Identity] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    certificates: CertificateStore = field(default_factory=CertificateStore)

    def by_identity_id(self, identity_id: object) -> Identity | None:
        """Return the identity that a token's claims name."""
        found = (one for one in self.identities.values() if one.id == identity_id)
        return next(found, None)

    def project_named(self, name: str) -> Project | None:
        """Return a project by id or slug."""
        found = (one for one in self.projects.values() if name in (one.id, one.slug))
        return next(found, None)


def empty_state() -> State:
    """Return an instance with nothing in it."""
    clock = Clock()
    return State(clock, Tokens(clock), RateLimiter(clock))
