"""EC2 instance metadata, version 2 alone, and the credential agent of a container."""

import secrets
from dataclasses import dataclass, field

from tests.fakes.cloud.server import Incoming, Outgoing

_ROLES = "/latest/meta-data/iam/security-credentials/"
_MAX_TTL = 21_600


@dataclass
class AwsKeys:
    """Temporary credentials."""

    access_key: str = "ASIAEXAMPLEKEY"
    secret_key: str = "aws-secret-key-of-these-tests"
    session_token: str = "aws-session-token-of-these-tests"

    def shown(self) -> dict[str, str]:
        return {
            "Code": "Success",
            "Type": "AWS-HMAC",
            "AccessKeyId": self.access_key,
            "SecretAccessKey": self.secret_key,
            "Token": self.session_token,
            "Expiration": "2099-01-01T00:00:00Z",
        }


@dataclass
class Ec2:
    """The token dance: PUT for a token, which every GET must show; no role is a 404."""

    keys: AwsKeys
    role: str | None = "web-role"
    region: str = "eu-central-1"
    tokens: set[str] = field(default_factory=set)

    def answer(self, request: Incoming) -> Outgoing:
        if "x-forwarded-for" in request.headers:
            return Outgoing(403)
        if request.path == "/latest/api/token":
            return self._token(request)
        if request.headers.get("x-aws-ec2-metadata-token") not in self.tokens:
            return Outgoing(401)
        if request.path == "/latest/dynamic/instance-identity/document":
            return Outgoing.json({"region": self.region, "accountId": "123456789012"})
        if self.role is not None and request.path == _ROLES:
            return Outgoing(body=self.role.encode())
        if self.role is not None and request.path == _ROLES + self.role:
            return Outgoing.json(self.keys.shown())
        return Outgoing(404)

    def _token(self, request: Incoming) -> Outgoing:
        ttl = request.headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
        if request.method != "PUT":
            return Outgoing(405)
        if not ttl.isdigit() or not 1 <= int(ttl) <= _MAX_TTL:
            return Outgoing(400)
        token = secrets.token_urlsafe(32) + "=="
        self.tokens.add(token)
        return Outgoing(body=token.encode())


@dataclass
class ContainerAgent:
    """Of ECS; `authorization` is what EKS asks for."""

    keys: AwsKeys
    path: str = "/v2/credentials/0123"
    authorization: str | None = None

    def answer(self, request: Incoming) -> Outgoing:
        if self.authorization not in (None, request.headers.get("authorization")):
            return Outgoing(401)
        return Outgoing.json(self.keys.shown()) if request.path == self.path else Outgoing(404)
