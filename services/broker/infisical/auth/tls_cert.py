"""Client certificate: the key is proved in the TLS handshake, the body names the identity.

Whatever ends TLS before Infisical passes the certificate on in a header of its own
(identity-tls-cert-auth-router), so it must ask clients for one. It is shown at the login alone:
every other request goes by the connections that all identities share.
"""

import ssl
from collections.abc import Callable

from psi.broker.infisical.auth.proof import proof_of
from psi.broker.infisical.auth.secret_reader import SecretReader
from psi.broker.infisical.exchange import Exchange
from psi.broker.infisical.trust import certificate_context, check_pair
from psi.broker.infisical.wire import WireToken
from psi.shared.projection import Infisical, TlsCertAuth
from psi.shared.secret import SecretBytes

_ROUTE = "/api/v1/auth/tls-cert-auth/login"


class TlsCertMethod:
    """Logs in over a connection of its own; the certificate and its key are read anew."""

    name = "tls-cert"
    minted = given = False

    def __init__(
        self,
        auth: TlsCertAuth,
        secrets: SecretReader,
        provider: Infisical,
        open_exchange: Callable[[ssl.SSLContext], Exchange],
    ) -> None:
        self.identity = auth.identity_id
        self._auth = auth
        self._secrets = secrets
        self._provider = provider
        self._open_exchange = open_exchange

    def proof(self) -> SecretBytes:
        """Return method, identity, certificate and key; raises UpstreamError without them."""
        return proof_of(self, *self._pair())

    async def login(self, _exchange: Exchange) -> WireToken:
        """Log in, once; raises UpstreamError."""
        exchange = self._open_exchange(certificate_context(self._provider, *self._pair()))
        try:
            return await exchange.post(_ROUTE, {"identityId": self.identity}, WireToken, [])
        finally:
            await exchange.aclose()

    def _pair(self) -> tuple[SecretBytes, SecretBytes]:
        """Return certificate and key; raises UpstreamError when they are no pair."""
        certificate = self._secrets.read(self._auth.certificate, "certificate")
        key = self._secrets.read(self._auth.private_key, "private_key")
        check_pair(certificate, key)
        return certificate, key
