"""Azure: a managed identity's token, from the instance metadata service."""

from urllib.parse import urlencode

import msgspec

from psi.broker.infisical.auth.jwt_login import log_in_by_jwt
from psi.broker.infisical.auth.platform_http import Ask, ask_platform, failure
from psi.broker.infisical.auth.proof import proof_of
from psi.broker.infisical.auth.surroundings import Surroundings
from psi.broker.infisical.exchange import Exchange
from psi.broker.infisical.wire import WireToken
from psi.shared.errors import UNDECODABLE
from psi.shared.projection import AzureAuth
from psi.shared.secret import SecretBytes

_PATH = "/metadata/identity/oauth2/token"
_VERSION = "2018-02-01"
"""The API's version that Infisical's own SDKs ask for (go-sdk, util/auth.go)."""


class _Wire(msgspec.Struct):
    access_token: str

    def __repr__(self) -> str:
        return "_Wire(…)"


class AzureMethod:
    """Logs in as the machine's managed identity."""

    name = "azure"
    minted = True
    given = False

    def __init__(self, auth: AzureAuth, surroundings: Surroundings) -> None:
        self.identity = auth.identity_id
        self._auth = auth
        self._base = surroundings.endpoints.azure_instance

    def proof(self) -> SecretBytes:
        """Return method, identity and what its token is asked for."""
        return proof_of(self, self._auth.resource, self._auth.managed_identity or "")

    async def login(self, exchange: Exchange) -> WireToken:
        """Log in, once; raises UpstreamError."""
        ask = self._request()
        answer = await ask_platform(ask)
        try:
            token = msgspec.json.decode(answer.body, type=_Wire).access_token
        except UNDECODABLE:
            raise failure(ask, "gives no token") from None
        jwt = SecretBytes(token.encode())
        return await log_in_by_jwt(exchange, "azure-auth", self.identity, jwt)

    def _request(self) -> Ask:
        query = {"api-version": _VERSION, "resource": self._auth.resource}
        if self._auth.managed_identity is not None:
            query["client_id"] = self._auth.managed_identity
        return Ask(
            what="the Azure metadata server",
            remedy="assign a managed identity; set auth.managed_identity if there are several",
            method="GET",
            url=f"{self._base}{_PATH}?{urlencode(query)}",
            headers={"Metadata": "true"},
        )
