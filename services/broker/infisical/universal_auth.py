"""Universal auth: client id and client secret (Infisical identity-ua-service).

A wrong secret counts towards a lockout after three, and each login uses up one of a secret's
limited uses: so a login is never repeated here.
"""

from collections.abc import Callable

from psi.broker.infisical.exchange import Exchange
from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.broker.infisical.wire import WireToken
from psi.shared.errors import PsiError
from psi.shared.projection import UniversalAuth
from psi.shared.secret import SecretBytes

_ROUTE = "/api/v1/auth/universal-auth/login"


class UniversalAuthMethod:
    """Logs in by client id and secret; the secret is read anew each time."""

    name = "universal-auth"
    minted = given = False

    def __init__(self, auth: UniversalAuth, credentials: Callable[[str], SecretBytes]) -> None:
        self.identity = auth.client_id
        self._auth = auth
        self._credentials = credentials

    def proof(self) -> SecretBytes:
        """Return method, client id and secret; raises UpstreamError when there is no secret."""
        named = f"{self.name}\0{self.identity}\0".encode()
        return SecretBytes(named + self._secret().reveal())

    async def login(self, exchange: Exchange) -> WireToken:
        """Log in, once; raises UpstreamError, never of kind absent and never a permission."""
        secret = self._secret()
        body = {"clientId": self.identity, "clientSecret": secret.reveal().decode()}
        return await exchange.post(_ROUTE, body, WireToken, [secret])

    def _secret(self) -> SecretBytes:
        """Return the secret without the line end that a credential's file may have."""
        if self._auth.client_secret is not None:
            return self._auth.client_secret
        name = self._auth.client_secret_credential or ""
        try:
            secret = SecretBytes(self._credentials(name).reveal().rstrip(b"\r\n"))
            secret.reveal().decode()
        except PsiError as error:
            raise UpstreamError(Kind.REFUSED, str(error)) from error
        except UnicodeDecodeError:
            text = f"credential {name} is not text; set it anew with psictl credential set"
            raise UpstreamError(Kind.REFUSED, text) from None
        return secret
