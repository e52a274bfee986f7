"""Where AWS credentials come from: the environment, the container's agent, or the instance.

In the SDKs' order, by our own hand. No file below a home is read, and nothing is run.
"""

from collections.abc import Mapping

import msgspec

from psi.broker.infisical.auth.aws_container import container_request
from psi.broker.infisical.auth.aws_instance import InstanceMetadata
from psi.broker.infisical.auth.aws_signature import AwsCredentials
from psi.broker.infisical.auth.platform_http import Ask, ask_platform, failure
from psi.broker.infisical.auth.surroundings import Surroundings
from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.shared.errors import UNDECODABLE
from psi.shared.secret import SecretBytes

_KEY, _SECRET, _SESSION = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")


class _Wire(msgspec.Struct, rename="pascal"):
    """The answer of the container's agent and of the instance's role."""

    access_key_id: str
    secret_access_key: str
    token: str | None = None

    def __repr__(self) -> str:
        return "_Wire(…)"


class AwsPlatform:
    """What AWS gives this process: credentials and a region."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._environment = surroundings.environment
        self._endpoints = surroundings.endpoints
        self._instance = InstanceMetadata(surroundings.endpoints.aws_instance)
        self.fixed = _from_environment(surroundings.environment)
        """Credentials that the environment holds, which change by a restart alone."""

    def fixed_parts(self) -> list[SecretBytes | str]:
        """Return what tells fixed credentials apart; nothing where they are not fixed."""
        return [] if self.fixed is None else [self.fixed.access_key, *self.fixed.secrets()]

    def check(self) -> None:
        """Raise UpstreamError (refused) where the environment names what is no agent."""
        if self.fixed is None:
            container_request(self._environment, self._endpoints.aws_container)

    async def credentials(self) -> AwsCredentials:
        """Return credentials that are good now; raises UpstreamError."""
        if self.fixed is not None:
            return self.fixed
        ask = container_request(self._environment, self._endpoints.aws_container)
        if ask is None:
            ask = await self._instance.credentials_request()
        answer = await ask_platform(ask)
        return _decoded(ask, answer.body)

    async def region(self) -> str:
        """Return the environment's region, else the instance's; raises UpstreamError."""
        for name in _REGIONS:
            if found := self._environment.get(name):
                return found
        return await self._instance.region()


def _from_environment(environment: Mapping[str, str]) -> AwsCredentials | None:
    key, secret = environment.get(_KEY), environment.get(_SECRET)
    if not key or not secret:
        return None
    session = environment.get(_SESSION)
    return AwsCredentials(
        key, SecretBytes(secret.encode()), SecretBytes(session.encode()) if session else None
    )


def _decoded(ask: Ask, body: bytes) -> AwsCredentials:
    try:
        wire = msgspec.json.decode(body, type=_Wire)
    except UNDECODABLE:
        raise failure(ask, "gives no credentials") from None
    if not wire.access_key_id.isalnum() or not wire.secret_access_key:
        raise UpstreamError(Kind.TRANSPORT, f"{ask.what} gives credentials without a key")
    return AwsCredentials(
        wire.access_key_id,
        SecretBytes(wire.secret_access_key.encode()),
        SecretBytes(wire.token.encode()) if wire.token else None,
    )
