"""Azure's instance metadata service: tokens of managed identities."""

from dataclasses import dataclass

from tests.fakes.cloud.keys import Issuer
from tests.fakes.cloud.server import Incoming, Outgoing

TENANT = "11111111-2222-4333-8444-555555555555"


@dataclass
class AzureInstance:
    """Principals by client id; with several, a request must name one."""

    azure: Issuer
    principals: dict[str, str]

    def answer(self, request: Incoming) -> Outgoing:
        query = {name: values[0] for name, values in request.query.items()}
        if request.headers.get("metadata") != "true":
            return Outgoing.json({"error": "invalid_request"}, 400)
        if request.path != "/metadata/identity/oauth2/token" or "api-version" not in query:
            return Outgoing.json({"error": "not_found"}, 404)
        chosen = query.get("client_id")
        if chosen is None and len(self.principals) == 1:
            (chosen,) = self.principals
        if chosen not in self.principals:
            return Outgoing.json({"error": "invalid_request"}, 400)
        token = self.azure.sign(aud=query["resource"], tid=TENANT, oid=self.principals[chosen])
        return Outgoing.json({"access_token": token, "token_type": "Bearer"})
