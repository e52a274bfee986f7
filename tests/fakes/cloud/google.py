"""Google's metadata server, token endpoint and IAM Credentials API."""

import base64
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from tests.fakes.cloud.keys import Issuer
from tests.fakes.cloud.server import Incoming, Outgoing

EMAIL = "robot@project.iam.gserviceaccount.com"
_ACCESS_TOKEN = "google-access-token-of-these-tests"
_IDENTITY = "/computeMetadata/v1/instance/service-accounts/default/identity"


def service_account_key(key: Issuer, **changes: str) -> str:
    """Return the JSON key of the service account."""
    fields = {
        "type": "service_account",
        "project_id": "project",
        "private_key_id": "0123",
        "private_key": key.private,
        "client_email": EMAIL,
        "token_uri": "http://evil.example/token",
    }
    return json.dumps(fields | changes)


@dataclass
class GoogleInstance:
    """Signs the instance's identity tokens; a request without the flavor is refused."""

    google: Issuer
    email: str = EMAIL

    def answer(self, request: Incoming) -> Outgoing:
        flavor = {"Metadata-Flavor": "Google"}
        if request.headers.get("metadata-flavor") != "Google":
            return Outgoing(403, b"", flavor)
        if request.path != _IDENTITY or request.query.get("format") != ["full"]:
            return Outgoing(404, b"", flavor)
        (audience,) = request.query["audience"]
        token = self.google.sign(
            iss="https://accounts.google.com", aud=audience, email=self.email, email_verified=True
        )
        return Outgoing(200, token.encode(), flavor)


@dataclass
class GoogleTokens:
    """Sells access tokens for JWTs that the service account's key signed."""

    account: Issuer

    def answer(self, request: Incoming) -> Outgoing:
        form = parse_qs(request.body.decode())
        if request.path != "/token" or request.method != "POST":
            return Outgoing(404)
        if form.get("grant_type") != ["urn:ietf:params:oauth:grant-type:jwt-bearer"]:
            return Outgoing.json({"error": "unsupported_grant_type"}, 400)
        claims = _verified(form["assertion"][0], self.account)
        wanted = {"iss": EMAIL, "aud": "https://oauth2.googleapis.com/token"}
        if claims is None or wanted.items() - claims.items() or "scope" not in claims:
            return Outgoing.json({"error": "invalid_grant"}, 400)
        return Outgoing.json({"access_token": _ACCESS_TOKEN, "expires_in": 3599})


@dataclass
class GoogleIam:
    """Signs what the bearer of an access token asks for, with Google's key."""

    google: Issuer

    def answer(self, request: Incoming) -> Outgoing:
        if request.path != f"/v1/projects/-/serviceAccounts/{EMAIL}:signJwt":
            return Outgoing(404)
        if request.headers.get("authorization") != f"Bearer {_ACCESS_TOKEN}":
            return Outgoing.json({"error": {"code": 401}}, 401)
        claims = json.loads(json.loads(request.body)["payload"])
        return Outgoing.json({"keyId": "1", "signedJwt": self.google.sign(**claims)})


def _verified(token: str, key: Issuer) -> dict[str, Any] | None:
    signed, _, signature = token.rpartition(".")
    try:
        key.key.public_key().verify(_decoded(signature), signed.encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        return None
    return dict(json.loads(_decoded(signed.partition(".")[2])))


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
