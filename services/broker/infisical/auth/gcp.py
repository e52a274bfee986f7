"""Google Cloud: the instance's identity token, or a JWT that IAM signs for a service account."""

from psi.broker.infisical.auth.google_instance import instance_token
from psi.broker.infisical.auth.google_service_account import check_key, signed_token
from psi.broker.infisical.auth.jwt_login import log_in_by_jwt
from psi.broker.infisical.auth.proof import proof_of
from psi.broker.infisical.auth.secret_reader import SecretReader
from psi.broker.infisical.auth.surroundings import Surroundings
from psi.broker.infisical.exchange import Exchange
from psi.broker.infisical.wire import WireToken
from psi.shared.projection import GcpAuth
from psi.shared.secret import SecretBytes


class GcpMethod:
    """Logs in as a Google service account; the route is the same for both ways."""

    name = "gcp"
    given = False

    def __init__(self, auth: GcpAuth, secrets: SecretReader, surroundings: Surroundings) -> None:
        self.identity = auth.identity_id
        self._key = auth.service_account_key
        self._secrets = secrets
        self._surroundings = surroundings
        self.minted = self._key is None

    def proof(self) -> SecretBytes:
        """Return method, identity and key, if there is one; raises UpstreamError for a bad one."""
        key = self._read_key()
        if key is None:
            return proof_of(self)
        check_key(key)
        return proof_of(self, key)

    async def login(self, exchange: Exchange) -> WireToken:
        """Log in, once; raises UpstreamError."""
        key = self._read_key()
        if key is not None:
            jwt = await signed_token(self._surroundings, key, self.identity)
        else:
            base = self._surroundings.endpoints.google_instance
            jwt = await instance_token(base, self.identity)
        return await log_in_by_jwt(exchange, "gcp-auth", self.identity, jwt)

    def _read_key(self) -> SecretBytes | None:
        if self._key is None:
            return None
        return self._secrets.read(self._key, "service_account_key")
