"""EC2 instance metadata by IMDSv2: a token by PUT, then everything with it.

Version 1, which answers a bare GET, is what forged requests abuse; it is never used (EC2 user
guide, "Use the Instance Metadata Service").
"""

import re

import msgspec

from psi.broker.infisical.auth.platform_http import Ask, ask_platform, failure
from psi.shared.errors import UNDECODABLE

_WHAT = "the EC2 metadata server"
_TOKEN_SECONDS = 60
"""One login's two or three requests take milliseconds."""
_ROLES = "/latest/meta-data/iam/security-credentials/"
_DOCUMENT = "/latest/dynamic/instance-identity/document"
_ROLE = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
"""IAM's names of roles."""
_HEADER = re.compile(r"[\x21-\x7e]{1,4096}")
_AWAY = "run on EC2 with IMDSv2 (hop limit 2 in containers), or set credentials"


class _Document(msgspec.Struct):
    region: str


class InstanceMetadata:
    """The metadata server of the instance that this runs on."""

    def __init__(self, base: str) -> None:
        self._base = base

    async def credentials_request(self) -> Ask:
        """Return the request for the instance's role; raises UpstreamError without a role."""
        token = await self._token()
        listing = self._ask(_ROLES, token, "attach a role to the instance")
        lines = (await ask_platform(listing)).body.decode(errors="replace").splitlines()
        role = lines[0].strip() if lines else ""
        if not _ROLE.fullmatch(role):
            raise failure(listing, "names no role")
        return self._ask(_ROLES + role, token, "check the instance's role")

    async def region(self) -> str:
        """Return the instance's region; raises UpstreamError."""
        ask = self._ask(_DOCUMENT, await self._token(), "set auth.region")
        answer = await ask_platform(ask)
        try:
            return msgspec.json.decode(answer.body, type=_Document).region
        except UNDECODABLE:
            raise failure(ask, "gives no identity document") from None

    async def _token(self) -> str:
        headers = {"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_SECONDS)}
        ask = Ask(_WHAT, _AWAY, "PUT", f"{self._base}/latest/api/token", headers)
        token = (await ask_platform(ask)).body.decode(errors="replace")
        if not _HEADER.fullmatch(token):
            raise failure(ask, "gives no token")
        return token

    def _ask(self, path: str, token: str, remedy: str) -> Ask:
        headers = {"X-aws-ec2-metadata-token": token}
        return Ask(_WHAT, remedy, "GET", self._base + path, headers)
