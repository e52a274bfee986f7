"""Universal-auth login with lockout, and renewal and revocation of tokens."""

import hmac

from tests.fakes.infisical import jwt
from tests.fakes.infisical.call import Call
from tests.fakes.infisical.errors import LOCKED, unauthorized
from tests.fakes.infisical.messages import Response, json_response
from tests.fakes.infisical.model import Identity
from tests.fakes.infisical.schema import Fields

# Infisical's defaults for lockout: tries, and seconds.
LOCKOUT_THRESHOLD = 3
LOCKOUT_COUNTER_LIFE = 30
LOCKOUT_DURATION = 300


def login(call: Call) -> Response:
    """POST /api/v1/auth/universal-auth/login."""
    fields = Fields(call.body)
    client_id, client_secret = fields.text("clientId"), fields.text("clientSecret")
    fields.finish()
    identity = call.state.identities.get(client_id)
    if identity is None:
        raise unauthorized("Invalid credentials")
    now = call.state.clock.now()
    if identity.locked_until > now:
        raise unauthorized(LOCKED)
    if not hmac.compare_digest(identity.client_secret.encode(), client_secret.encode()):
        count_failure(identity, now)
        raise unauthorized("Invalid credentials")
    if identity.uses_limit and identity.uses >= identity.uses_limit:
        raise unauthorized("Access denied due to client secret usage limit reached")
    identity.uses += 1
    identity.failures = 0
    return json_response(call.state.tokens.login(identity))


def count_failure(identity: Identity, now: float) -> None:
    """Count a wrong secret; the third within a while locks the identity."""
    identity.failures = identity.failures + 1 if now < identity.failures_until else 1
    identity.failures_until = now + LOCKOUT_COUNTER_LIFE
    if identity.failures >= LOCKOUT_THRESHOLD:
        identity.locked_until = now + LOCKOUT_DURATION
        identity.failures = 0


def renew(call: Call) -> Response:
    """POST /api/v1/auth/token/renew: the token is in the body, the header alone is not enough."""
    fields = Fields(call.body)
    token = fields.text("accessToken")
    fields.finish()
    claims = jwt.verify(token, call.state.clock.now())
    identity = call.state.by_identity_id(claims["identityId"])
    return json_response(call.state.tokens.renew(identity, claims))


def revoke(call: Call) -> Response:
    """POST /api/v1/auth/token/revoke: succeeds for a token that was revoked before."""
    fields = Fields(call.body)
    token = fields.text("accessToken")
    fields.finish()
    claims = jwt.verify(token, call.state.clock.now())
    call.state.tokens.revoke(claims["jti"])
    return json_response({"message": "Successfully revoked access token"})
