"""Every way in which a request to Infisical goes wrong, and what a lookup and a refresh make of it.

Each fault strikes one identity with a project of its own, so that all can be there at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from psi.shared.projection import Infisical, Project, Source, UniversalAuth
from psi.shared.secret import SecretBytes
from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed
from tests.unit.broker.chain import workload

SECRETS = "^/api/v[34]/secrets"
LOGIN = "/api/v1/auth/universal-auth/login"
WARM, COLD = "/warm", "/cold"
HANG_SECONDS = 6.0
"""``upstream_seconds`` of these tests: a healthy answer on a busy machine takes less."""
QUICK_SECONDS = 2.5
"""Bound for what hangs nowhere; three quick tries take some 20 ms on a quiet machine."""
PAUSE = 0.01
LIMITS: dict[str, float] = {
    "upstream_seconds": HANG_SECONDS,
    "upstream_connect_seconds": HANG_SECONDS,
    "miss_seconds": 4 * HANG_SECONDS,
    "upstream_connections": 200,
    "retry_delay_seconds": PAUSE,
    "retry_patience_seconds": HANG_SECONDS / 2,
    "refresh_patience_seconds": HANG_SECONDS / 2,
    "retry_after_seconds": 0.2,
    "listing_seconds": 0.001,
    "breaker_open_seconds": 1000,
    "boot_grace_seconds": 0.001,
}
Strike = Callable[[StandIn, str], None]


@dataclass(frozen=True)
class Fault:
    """One fault; requests are those for secrets, of two folders for a refresh."""

    name: str
    strike: Strike
    code: int
    """HTTP status of a lookup that has nothing cached; 200 where the value comes all the same."""
    words: str
    lookup: int
    refresh: tuple[int, ...]
    """How many requests; more than one number where two folders race for one login."""
    logins: int = 0
    hangs: bool = False

    @property
    def client(self) -> str:
        """The identity that it strikes."""
        return f"client-{self.name}"

    @property
    def served(self) -> bool:
        """Whether a second login mends it."""
        return self.code == 200


def canned(kind: str, path: str = SECRETS, times: int | None = None, **fields: Any) -> Strike:
    """Return a strike by one of the stand-in's faults."""

    def strike(server: StandIn, client: str) -> None:
        server.fault(kind, path, client=client, times=times, **fields)

    return strike


def status(number: int, times: int | None = None, **fields: Any) -> Strike:
    """Return a strike by an answer of Infisical's."""
    return canned("status", times=times, status=number, **fields)


def denied(error: str, message: str, times: int | None = None) -> Strike:
    """Return a strike by a 403."""
    return status(403, times, error=error, message=message)


def revoke(server: StandIn, client: str) -> None:
    """End the identity's tokens."""
    server.control("POST", "revoke", {"client_id": client})


def lock(server: StandIn, client: str) -> None:
    """Lock the identity by three wrong secrets, as another host's typing error does."""
    revoke(server, client)
    body = {"clientId": client, "clientSecret": "wrong"}
    for _ in range(3):
        assert httpx.post(server.url + LOGIN, json=body, trust_env=False).status_code == 401


EXPIRED = "Your token has expired. Please re-authenticate."
CLOSED = "closed the connection before its answer was whole"
SLOW = f"no whole answer from 127.0.0.1 within {HANG_SECONDS:g} s"
FOREIGN = "not an answer of Infisical: "
FAULTS = [
    Fault("reset", canned("reset"), 503, CLOSED, 3, (6,)),
    Fault("hang-head", canned("hang_before_headers"), 503, SLOW, 1, (2,), hangs=True),
    Fault("hang-body", canned("hang_in_body"), 503, SLOW, 1, (2,), hangs=True),
    Fault("cut-body", canned("cut_body"), 503, CLOSED, 3, (6,)),
    Fault("drip", canned("drip", interval=0.2), 503, SLOW, 1, (2,), hangs=True),
    Fault("500", status(500), 503, "failed with 500 Something went wrong", 2, (4,)),
    Fault("502", status(502, body="<h1>Bad</h1>"), 503, "failed with 502", 3, (6,)),
    Fault("503", status(503), 503, "failed with 503", 3, (6,)),
    Fault("504", status(504), 503, "failed with 504 Gateway timeout", 3, (6,)),
    Fault(
        "429-told",
        status(429, headers={"Retry-After": "9"}),
        503,
        "rate limit is reached; it may be asked again in 9 s",
        1,
        (2,),
    ),
    Fault("429", status(429, message="slow down"), 503, "it may be asked again later", 3, (6,)),
    Fault("401", status(401), 502, "refuses our credential or token", 2, (4,), logins=1),
    Fault(
        "token-error",
        denied("TokenError", "malformed"),
        502,
        "our credential or token (malformed)",
        2,
        (4,),
        logins=1,
    ),
    Fault(
        "permission",
        denied("PermissionDenied", "You are not allowed to read on secrets"),
        502,
        "give the identity read access to the project",
        2,
        (3,),
    ),
    Fault(
        "membership",
        denied("ProjectMembershipNotFound", "You are not a member of this project"),
        502,
        "give the identity read access to the project",
        2,
        (3,),
    ),
    Fault(
        "address",
        denied("ForbiddenError", "not allowed from the current IP address"),
        502,
        "check the identity's trusted addresses",
        2,
        (2,),
    ),
    Fault(
        "expansion",
        denied("PermissionDenied", "Failed to expand one or more secret references"),
        502,
        "Failed to expand one or more secret references",
        2,
        (2,),
    ),
    Fault("404", status(404), 404, "Infisical: Secret not found", 1, (2,)),
    Fault("foreign-404", canned("foreign_404"), 502, FOREIGN + "a 404 without", 1, (2,)),
    Fault("html", canned("html_200"), 502, FOREIGN + "HTML or other text", 1, (2,)),
    Fault("invalid", canned("invalid_json"), 502, FOREIGN + "a body that is no JSON", 1, (2,)),
    Fault("wrong-type", canned("wrong_type"), 502, FOREIGN + "JSON of another shape", 1, (2,)),
    Fault("huge", canned("huge", mib=9), 502, FOREIGN + "a body of more than", 1, (2,)),
    Fault("bomb", canned("gzip_bomb", mib=16), 502, FOREIGN + "a body of more than", 1, (2,)),
    Fault(
        "redirect",
        canned("redirect", location="http://127.0.0.1:1/"),
        502,
        FOREIGN + "a redirect (302)",
        1,
        (2,),
    ),
    Fault("expired", denied("TokenError", EXPIRED, times=1), 200, "", 2, (3,), logins=1),
    Fault("revoked", revoke, 200, "", 2, (3, 4), logins=1),
    Fault("locked", lock, 502, "temporarily locked", 1, (2,), logins=1),
]
HEALTHY = Fault("healthy", canned("delay", seconds=0), 200, "", 1, (2,))
"""An identity that nothing strikes: another's fault is not its own."""


def project_id(fault: Fault) -> str:
    """Return the id of a fault's project."""
    return f"id-{fault.name}"


def seed() -> Seed:
    """Return one identity and one project for each fault."""
    everyone = [*FAULTS, HEALTHY]
    identities = [IdentitySeed(one.client, "secret", role="none") for one in everyone]
    projects = []
    for one in everyone:
        project = ProjectSeed(project_id(one), one.name, members={one.client: "viewer"})
        project.secrets_at("prod", WARM, KEY=f"warm {one.name}")
        projects.append(project.secrets_at("prod", COLD, KEY=f"cold {one.name}"))
    return Seed(identities, projects)


def fields(url: str) -> dict[str, Any]:
    """Return what the broker's projection has of all this."""
    everyone = [*FAULTS, HEALTHY]
    projects = {
        one.name: Project(
            id=project_id(one),
            environment="prod",
            auth=UniversalAuth(client_id=one.client, client_secret=SecretBytes(b"secret")),
        )
        for one in everyone
    }
    sources = [Source(project=one.name, path=path) for one in everyone for path in (WARM, COLD)]
    return {
        "infisical": Infisical(api_url=url, projects=projects),
        "workloads": {"myapp": workload(*sources)},
    }
