"""The life of access tokens: issue, check, renew, revoke."""

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.infisical import jwt
from tests.fakes.infisical.clock import Clock
from tests.fakes.infisical.errors import REVOKED_TOKEN, unauthorized
from tests.fakes.infisical.ids import fresh_id, stable_id
from tests.fakes.infisical.model import Identity

MAX_TOKEN_AGE = 7_776_000  # seconds; the server's own cap on one token's life
NO_LIMIT_TTL = 1_000_000_000  # seconds; stands for "no maximum" when max_ttl is 0
_ORGANISATION = stable_id("organisation")


@dataclass(slots=True)
class Tokens:
    """Revocations by `jti`, and how often each login's tokens were used."""

    clock: Clock
    revoked: set[str] = field(default_factory=set)
    issued: dict[str, set[str]] = field(default_factory=dict)
    uses: dict[str, int] = field(default_factory=dict)

    def login(self, identity: Identity) -> dict[str, Any]:
        """Return the answer to a good login."""
        jti, now = fresh_id(), int(self.clock.now())
        self.issued.setdefault(identity.id, set()).add(jti)
        return self._answer(identity, jti, created=now, ttl=identity.ttl)

    def _answer(self, identity: Identity, jti: str, created: int, ttl: int) -> dict[str, Any]:
        now = int(self.clock.now())
        claims = _claims(identity, jti, created) | {
            "iat": now,
            "exp": now + min(ttl or NO_LIMIT_TTL, MAX_TOKEN_AGE),
            "jti": jti,
        }
        return {
            "accessToken": jwt.sign(claims),
            "expiresIn": ttl,
            "accessTokenMaxTTL": identity.max_ttl,
            "tokenType": "Bearer",
        }

    def check(self, identity: Identity | None, claims: dict[str, Any]) -> Identity:
        """Return the caller of an API request and count the use.

        Raises:
            ApiError: 401 when the token was revoked, used up, or its identity is gone.

        """
        jti = claims["jti"]
        if jti in self.revoked:
            raise unauthorized(REVOKED_TOKEN)
        if identity is None:
            raise unauthorized("Failed to authorize: identity not found")
        used = self.uses[jti] = self.uses.get(jti, 0) + 1
        if identity.token_uses_limit and used > identity.token_uses_limit:
            raise unauthorized("Failed to authorize: token has reached its use limit")
        return identity

    def renew(self, identity: Identity | None, claims: dict[str, Any]) -> dict[str, Any]:
        """Return a new token of the same `jti`; its TTL is clipped to what the maximum leaves.

        Raises:
            ApiError: 401 when revoked, used up, or the maximum is reached.

        """
        jti, created = claims["jti"], claims["creationEpoch"]
        if jti in self.revoked or identity is None:
            raise unauthorized("Cannot renew: token has been revoked")
        if identity.token_uses_limit and self.uses.get(jti, 0) >= identity.token_uses_limit:
            raise unauthorized("Cannot renew exhausted access token")
        left = created + (identity.max_ttl or NO_LIMIT_TTL) - int(self.clock.now())
        if left <= 0:
            raise unauthorized("Cannot renew: identity access token has reached its max TTL")
        ttl = min(identity.ttl, left) if identity.ttl else left
        return self._answer(identity, jti, created=created, ttl=ttl)

    def revoke(self, jti: str) -> None:
        """End a login's token and every token renewed from it."""
        self.revoked.add(jti)

    def revoke_all(self, identity: Identity) -> int:
        """End every token of an identity; return how many logins that were."""
        ended = self.issued.pop(identity.id, set())
        self.revoked |= ended
        return len(ended)


def _claims(identity: Identity, jti: str, created: int) -> dict[str, Any]:
    return {
        "identityId": identity.id,
        "identityName": identity.name,
        "authMethod": "universal-auth",
        "orgId": _ORGANISATION,
        "rootOrgId": _ORGANISATION,
        "parentOrgId": _ORGANISATION,
        "clientSecretId": stable_id("client-secret", identity.client_id, identity.client_secret),
        "identityAccessTokenId": jti,
        "ipRestrictionEnabled": True,
        "accessTokenTTL": identity.ttl,
        "accessTokenMaxTTL": identity.max_ttl,
        "accessTokenPeriod": 0,
        "creationEpoch": created,
        "authTokenType": "identityAccessToken",
        "identityAuth": {},
    }
