"""Universal auth: client id and client secret (Infisical identity-ua-service).

A wrong secret counts towards a lockout after three, and each login uses up one of a secret's
limited uses: so a login is never repeated here.
"""

from psi.broker.infisical.auth.proof import proof_of
from psi.broker.infisical.auth.secret_reader import SecretReader
from psi.broker.infisical.exchange import Exchange
from psi.broker.infisical.wire import WireToken
from psi.shared.projection import SecretSource, UniversalAuth
from psi.shared.secret import SecretBytes

_ROUTE = "/api/v1/auth/universal-auth/login"


class UniversalAuthMethod:
    """Logs in by client id and secret; the secret is read anew each time."""

    name = "universal-auth"
    minted = given = False

    def __init__(self, auth: UniversalAuth, secrets: SecretReader) -> None:
        self.identity = auth.client_id
        self._secrets = secrets
        self._source = SecretSource(
            value=auth.client_secret, credential=auth.client_secret_credential
        )

    def proof(self) -> SecretBytes:
        """Return method, client id and secret; raises UpstreamError when there is no secret."""
        return proof_of(self, self._secret())

    async def login(self, exchange: Exchange) -> WireToken:
        """Log in, once; raises UpstreamError, never of kind absent and never a permission."""
        secret = self._secret()
        body = {"clientId": self.identity, "clientSecret": secret.reveal().decode()}
        return await exchange.post(_ROUTE, body, WireToken, [secret])

    def _secret(self) -> SecretBytes:
        return self._secrets.read(self._source, "client_secret")
