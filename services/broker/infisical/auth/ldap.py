"""LDAP: a directory's user and password; a wrong password counts towards a lockout."""

from psi.broker.infisical.auth.proof import proof_of
from psi.broker.infisical.auth.secret_reader import SecretReader
from psi.broker.infisical.exchange import Exchange
from psi.broker.infisical.wire import WireToken
from psi.shared.projection import LdapAuth
from psi.shared.secret import SecretBytes

_ROUTE = "/api/v1/auth/ldap-auth/login"


class LdapMethod:
    """Logs in by identity, user and password (Infisical python-sdk, ldap_auth.py)."""

    name = "ldap"
    minted = given = False

    def __init__(self, auth: LdapAuth, secrets: SecretReader) -> None:
        self.identity = auth.identity_id
        self._auth = auth
        self._secrets = secrets

    def proof(self) -> SecretBytes:
        """Return method, identity, user and password; raises UpstreamError without a password."""
        return proof_of(self, self._auth.username, self._password())

    async def login(self, exchange: Exchange) -> WireToken:
        """Log in, once; raises UpstreamError."""
        password = self._password()
        body = {
            "identityId": self.identity,
            "username": self._auth.username,
            "password": password.reveal().decode(),
        }
        return await exchange.post(_ROUTE, body, WireToken, [password])

    def _password(self) -> SecretBytes:
        return self._secrets.read(self._auth.password, "password")
