"""What the methods have in common that send an identity and a JWT, each to its own route."""

from psi.broker.infisical.exchange import Exchange
from psi.broker.infisical.wire import WireToken
from psi.shared.secret import SecretBytes


async def log_in_by_jwt(
    exchange: Exchange, method: str, identity_id: str, jwt: SecretBytes
) -> WireToken:
    """POST ``identityId`` and ``jwt``, once (Infisical go-sdk, auth/models.go)."""
    body = {"identityId": identity_id, "jwt": jwt.reveal().decode()}
    return await exchange.post(f"/api/v1/auth/{method}/login", body, WireToken, [jwt])
