"""A stand-in with an identity for each method, a cloud around it, and a broker's client."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psi.broker.infisical.identity_book import LoginOutcome
from psi.broker.infisical.outcome import UpstreamError
from psi.shared.errors import ConfigError
from psi.shared.projection import (
    Auth,
    AwsIamAuth,
    AzureAuth,
    GcpAuth,
    Infisical,
    JwtAuth,
    KubernetesAuth,
    LdapAuth,
    OidcAuth,
    SecretSource,
    TlsCertAuth,
)
from psi.shared.secret import SecretBytes
from tests.fakes.cloud.aws import AwsKeys, ContainerAgent, Ec2
from tests.fakes.cloud.azure import TENANT, AzureInstance
from tests.fakes.cloud.certificates import ClientPair
from tests.fakes.cloud.google import EMAIL, GoogleIam, GoogleInstance, GoogleTokens
from tests.fakes.cloud.keys import issuer
from tests.fakes.cloud.server import CloudServer
from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed
from tests.unit.broker_infisical.setting import (
    PROJECT_ID,
    Setting,
    config,
    failure_of,
    get_key,
    run,
)

KEYS = AwsKeys()
PASSWORD = "the-password-of-these-tests"
NAMESPACE, ACCOUNT = "apps", "web"
SUBJECT = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"
AZURE_RESOURCE = "https://management.azure.com/"


def principal(keys: AwsKeys = KEYS) -> dict[str, str]:
    return {
        "secret_key": keys.secret_key,
        "session_token": keys.session_token,
        "account": "123456789012",
        "arn": "arn:aws:sts::123456789012:assumed-role/web-role/i-0",
    }


def auth_config(ca: str = "") -> dict[str, dict[str, Any]]:
    """Return what Infisical knows of each method."""
    key = issuer("own").public
    claims = {"public_key": key, "iss": "https://issuer", "aud": "infisical", "sub": "host-1"}
    return {
        "aws-auth": {"principals": {KEYS.access_key: principal()}, "accounts": ["123456789012"]},
        "gcp-auth": {"public_key": issuer("google").public, "service_accounts": [EMAIL]},
        "azure-auth": {
            "public_key": issuer("azure").public, "resource": AZURE_RESOURCE, "tenant": TENANT,
            "service_principals": ["principal-1"],
        },
        "kubernetes-auth": {"public_key": key, "namespaces": [NAMESPACE], "names": [ACCOUNT]},
        "oidc-auth": claims,
        "jwt-auth": claims,
        "ldap-auth": {"users": {"host-1": PASSWORD}},
        "tls-cert-auth": {"ca": ca, "common_names": ["host-1"]},
    }  # fmt: skip  # a table


IDENTITY = IdentitySeed("all-methods", "universal-secret", auth=auth_config())
ID = IDENTITY.id


def seed(ca: str = "") -> Seed:
    identity = IdentitySeed("all-methods", "universal-secret", auth=auth_config(ca))
    project = ProjectSeed(PROJECT_ID, "myproject").secrets_at("prod", "/app", KEY="value")
    return Seed([identity], [project])


def cloud() -> CloudServer:
    return CloudServer(
        {
            "aws_instance": Ec2(KEYS),
            "aws_container": ContainerAgent(KEYS),
            "google_instance": GoogleInstance(issuer("google")),
            "google_tokens": GoogleTokens(issuer("robot")),
            "google_iam": GoogleIam(issuer("google")),
            "azure_instance": AzureInstance(issuer("azure"), {"client-1": "principal-1"}),
        }
    )


def given(text: str) -> SecretSource:
    return SecretSource(value=SecretBytes(text.encode()))


def host_jwt(**claims: Any) -> str:
    """Return a JWT as oidc and jwt take it here."""
    usual = {"iss": "https://issuer", "aud": "infisical", "sub": "host-1"}
    return issuer("own").sign(**(usual | claims))


def pod_jwt(**claims: Any) -> str:
    return issuer("own").sign(**({"sub": SUBJECT} | claims))


def aws(**fields: Any) -> AwsIamAuth:
    return AwsIamAuth(**({"identity_id": ID} | fields))


def gcp(**fields: Any) -> GcpAuth:
    return GcpAuth(**({"identity_id": ID} | fields))


def azure(**fields: Any) -> AzureAuth:
    return AzureAuth(**({"identity_id": ID} | fields))


def kubernetes(source: SecretSource, **fields: Any) -> KubernetesAuth:
    return KubernetesAuth(**({"identity_id": ID, "jwt": source} | fields))


def oidc(source: SecretSource, **fields: Any) -> OidcAuth:
    return OidcAuth(**({"identity_id": ID, "jwt": source} | fields))


def signed(source: SecretSource, **fields: Any) -> JwtAuth:
    return JwtAuth(**({"identity_id": ID, "jwt": source} | fields))


def ldap(**fields: Any) -> LdapAuth:
    usual = {"identity_id": ID, "username": "host-1", "password": given(PASSWORD)}
    return LdapAuth(**(usual | fields))


def tls_cert(pair: ClientPair, **fields: Any) -> TlsCertAuth:
    usual = {
        "identity_id": ID,
        "certificate": given(pair.certificate),
        "private_key": given(pair.key),
    }
    return TlsCertAuth(**(usual | fields))


@dataclass
class Scene:
    """One stand-in, one cloud and a state folder; ``credentials`` are systemd's."""

    stand_in: StandIn
    cloud: CloudServer
    setting: Setting
    root: Path
    credentials: dict[str, bytes] = field(default_factory=dict)
    provider_fields: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.setting.credentials = self._credential

    def _credential(self, name: str) -> SecretBytes:
        if name not in self.credentials:
            raise ConfigError(f"credential {name} is not there; set it")
        return SecretBytes(self.credentials[name])

    def provider(self, auth: Auth) -> Infisical:
        return config(self.stand_in.url, auth=auth, **self.provider_fields)

    def configure(self, method: str, **fields: Any) -> None:
        """Change what Infisical knows of one method."""
        auth = auth_config()
        auth[method] |= fields
        self.stand_in.control("POST", "identity", {"client_id": "all-methods", "auth": auth})

    def value(self, auth: Auth) -> bytes:
        """Start a client, get the plainest secret, and stop it."""

        async def scenario() -> bytes:
            async with self.setting.client(self.provider(auth)) as client:
                return await get_key(client)

        return run(scenario())

    def failure(self, auth: Auth) -> UpstreamError:
        """Return what that fails with; its text is fit for a header."""

        async def scenario() -> UpstreamError:
            async with self.setting.client(self.provider(auth)) as client:
                return await failure_of(get_key(client))

        return run(scenario())

    def outcome(self, auth: Auth, *, retry: bool = False) -> LoginOutcome:
        """Return what ``psictl infisical login`` would show."""

        async def scenario() -> LoginOutcome:
            async with self.setting.client(self.provider(auth)) as client:
                (found,) = await client.test_logins(retry=retry)
                return found

        return run(scenario())

    def logins(self) -> int:
        return self.stand_in.count("/api/v1/auth/[a-z-]+-auth/login$")
