"""Renewal and revocation of access tokens (Infisical identity-access-token-router).

Both take the token in the body: in a header alone, renewal answers 422 (recorded).
"""

from psi.broker.infisical.exchange import Exchange
from psi.broker.infisical.wire import WireMessage, WireToken
from psi.shared.secret import SecretBytes


async def renew_token(exchange: Exchange, token: SecretBytes) -> WireToken:
    """Return a new token of the same login; the old one stays valid until its own end."""
    body = {"accessToken": token.reveal().decode()}
    return await exchange.post("/api/v1/auth/token/renew", body, WireToken, [token])


async def revoke_token(exchange: Exchange, token: SecretBytes) -> None:
    """End a login's token and all that were renewed from it."""
    body = {"accessToken": token.reveal().decode()}
    await exchange.post("/api/v1/auth/token/revoke", body, WireMessage, [token])
