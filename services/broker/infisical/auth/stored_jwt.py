"""A JWT that something else on this host keeps fresh: read anew at each login.

So a rotated file is a new credential, which the latch has not seen refused.
"""

from typing import ClassVar

from psi.broker.infisical.auth.jwt_login import log_in_by_jwt
from psi.broker.infisical.auth.proof import proof_of
from psi.broker.infisical.auth.secret_reader import SecretReader
from psi.broker.infisical.exchange import Exchange
from psi.broker.infisical.wire import WireToken
from psi.shared.projection import JwtAuth, KubernetesAuth, OidcAuth
from psi.shared.secret import SecretBytes


class StoredJwtMethod:
    """Logs in by identity and JWT; the methods differ in their route alone."""

    name: ClassVar[str]
    route: ClassVar[str]
    minted = given = False

    def __init__(self, auth: KubernetesAuth | OidcAuth | JwtAuth, secrets: SecretReader) -> None:
        self.identity = auth.identity_id
        self._source = auth.jwt
        self._secrets = secrets

    def proof(self) -> SecretBytes:
        """Return method, identity and JWT; raises UpstreamError when there is no JWT."""
        return proof_of(self, self._jwt())

    async def login(self, exchange: Exchange) -> WireToken:
        """Log in, once; raises UpstreamError."""
        return await log_in_by_jwt(exchange, self.route, self.identity, self._jwt())

    def _jwt(self) -> SecretBytes:
        return SecretBytes(self._secrets.read(self._source, "jwt").reveal().strip())
