"""An access token and how long it may be used, renewed and kept.

A server's clock may differ from ours, so lives are spans: what remained when the token arrived,
counted on the boot clock. Only the file holds wall times.
"""

import base64
import math
from dataclasses import dataclass

import msgspec

from psi.broker.infisical.clock import Clock
from psi.broker.infisical.wire import WireToken
from psi.shared.secret import SecretBytes

_LAST_SHARE = 1 / 3
"""Of a token's use: renewed in it. What Infisical's own agent leaves (Infisical CLI, agent.go)."""
_WORTH = 1.5
"""A renewal must bring so many times what is left: at two thirds a full one brings three times."""


class _Claims(msgspec.Struct):
    exp: float | None = None
    iat: float | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """Times: ``*_until`` on the boot clock, ``*_at`` in seconds since the epoch; inf for never."""

    access: SecretBytes
    use_until: float
    """PSI's own limit, token.ttl, or the token's end less a margin: then it must be renewed."""
    renew_at: float
    """Two thirds of the way there: from then on it is renewed while it is still used."""
    alive_until: float
    """The JWT's end less a margin: until then it can be renewed and must be revoked."""
    family_until: float
    """The end of all that can be renewed from this login."""
    obtained_at: float
    expires_at: float
    family_expires_at: float

    @property
    def life(self) -> float:
        """Return how long the JWT itself lives, in seconds, whatever PSI's own limit is."""
        return round(self.expires_at - self.obtained_at, 3)


@dataclass(frozen=True, slots=True)
class Tenure:
    """What decides how long a token is used."""

    clock: Clock
    ttl: float
    margin: float

    def issue(self, wire: WireToken, family_until: float | None = None) -> Token:
        """Return a token that just arrived: from a login, or renewed within a family."""
        boot, wall = self.clock.boot(), self.clock.wall()
        if family_until is None:
            family_until = boot + (wire.access_token_max_ttl or math.inf)
        return self.make(
            SecretBytes(wire.access_token.encode()),
            obtained_at=wall,
            expires_at=wall + _life(wire, wall),
            family_expires_at=wall + (family_until - boot),
        )

    def make(
        self,
        access: SecretBytes,
        *,
        obtained_at: float,
        expires_at: float,
        family_expires_at: float,
    ) -> Token:
        """Return a token whose end is known by wall clock, from now on counted on the other."""
        boot, wall = self.clock.boot(), self.clock.wall()
        # A token that lives only seconds is used for half of them, else it would be of no use.
        margin = min(self.margin, (expires_at - obtained_at) / 2)
        left = expires_at - wall - margin
        use_until = boot + min(left, self.ttl - (wall - obtained_at))
        return Token(
            access=access,
            use_until=use_until,
            renew_at=use_until - min(expires_at - obtained_at - margin, self.ttl) * _LAST_SHARE,
            alive_until=boot + left,
            family_until=boot + (family_expires_at - wall),
            obtained_at=obtained_at,
            expires_at=expires_at,
            family_expires_at=family_expires_at,
        )

    def is_usable(self, token: Token) -> bool:
        """Tell whether a request may go out with it; both clocks must agree."""
        return self.clock.boot() < token.use_until and self.clock.wall() < token.expires_at

    def is_alive(self, token: Token) -> bool:
        """Tell whether Infisical still accepts it, as far as is known here."""
        return self.clock.boot() < token.alive_until and self.clock.wall() < token.expires_at

    def is_due(self, token: Token) -> bool:
        """Tell whether it is time to renew a token that may still be used."""
        return self.clock.boot() >= token.renew_at

    def is_renewable(self, token: Token) -> bool:
        """Tell whether renewing is worth a request: at the family's end it gains seconds only."""
        now = self.clock.boot()
        gain = min(self.ttl, token.family_until - now - self.margin)
        left = max(0.0, token.use_until - now)
        return self.is_alive(token) and gain > _WORTH * left


def _life(wire: WireToken, wall: float) -> float:
    """Return the seconds until the token ends.

    ``expiresIn`` may be the configured TTL rather than the real one, or 0 for none (Infisical
    token routers), so the JWT's own claims are read and the smaller wins. ``iat`` frees that
    span from the difference between the server's clock and ours.
    """
    claims = _claims(wire.access_token)
    spans = [wire.expires_in] if wire.expires_in > 0 else []
    if claims.exp is not None:
        spans.append(claims.exp - (claims.iat if claims.iat is not None else wall))
    return max(0.0, min(spans, default=math.inf))


def _claims(jwt: str) -> _Claims:
    """Read a JWT's claims without checking its signature: they only shorten our own use."""
    parts = jwt.split(".")
    if len(parts) != 3:
        return _Claims()
    try:
        return msgspec.json.decode(
            base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)), type=_Claims
        )
    except (ValueError, RecursionError):
        return _Claims()
