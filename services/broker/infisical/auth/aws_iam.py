"""AWS IAM: a signed GetCallerIdentity, which Infisical sends to STS in our name."""

import asyncio
import re

from psi.broker.infisical.auth.aws_credentials import AwsPlatform
from psi.broker.infisical.auth.aws_signature import require_signer, sign_caller_identity
from psi.broker.infisical.auth.proof import proof_of
from psi.broker.infisical.auth.surroundings import Surroundings
from psi.broker.infisical.exchange import Exchange
from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.broker.infisical.wire import WireToken
from psi.shared.projection import AwsIamAuth
from psi.shared.secret import SecretBytes
from psi.shared.text import ascii_line

_ROUTE = "/api/v1/auth/aws-auth/login"
_REGION = re.compile(r"[a-z0-9-]{1,20}")
"""What Infisical takes for a region (identity-aws-auth-service)."""


class AwsIamMethod:
    """Logs in as the AWS principal whose credentials are at hand."""

    name = "aws-iam"
    given = False

    def __init__(self, auth: AwsIamAuth, surroundings: Surroundings) -> None:
        self.identity = auth.identity_id
        self._region = auth.region
        self._platform = AwsPlatform(surroundings)
        self.minted = self._platform.fixed is None

    def proof(self) -> SecretBytes:
        """Return method, identity, region and a fixed key.

        Raises UpstreamError: unserved without botocore, refused for a bad environment.
        """
        require_signer()
        self._platform.check()
        return proof_of(self, self._region or "", *self._platform.fixed_parts())

    async def login(self, exchange: Exchange) -> WireToken:
        """Log in, once; raises UpstreamError.

        What STS refuses is an unexplained 500 of Infisical's, so it is not latched.
        """
        region = self._region or await self._platform.region()
        if not _REGION.fullmatch(region):
            text = f"AWS region {ascii_line(region, 30)} is none; set auth.region, as eu-central-1"
            raise UpstreamError(Kind.TRANSPORT, text)
        credentials = await self._platform.credentials()
        form = await asyncio.to_thread(sign_caller_identity, credentials, region)
        sent = [*credentials.secrets(), SecretBytes(form["iamRequestHeaders"].encode())]
        return await exchange.post(_ROUTE, {"identityId": self.identity, **form}, WireToken, sent)
