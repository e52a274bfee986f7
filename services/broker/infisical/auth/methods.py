"""From an auth configuration to its method."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass

from psi.broker.infisical.auth.aws_iam import AwsIamMethod
from psi.broker.infisical.auth.azure import AzureMethod
from psi.broker.infisical.auth.gcp import GcpMethod
from psi.broker.infisical.auth.kubernetes import KubernetesMethod
from psi.broker.infisical.auth.ldap import LdapMethod
from psi.broker.infisical.auth.oidc import OidcMethod
from psi.broker.infisical.auth.ready_token import ReadyTokenMethod
from psi.broker.infisical.auth.secret_reader import SecretReader
from psi.broker.infisical.auth.signed_jwt import JwtMethod
from psi.broker.infisical.auth.surroundings import Surroundings
from psi.broker.infisical.auth.tls_cert import TlsCertMethod
from psi.broker.infisical.auth.universal_auth import UniversalAuthMethod
from psi.broker.infisical.auth_method import AuthMethod
from psi.broker.infisical.exchange import Exchange
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
    TlsCertAuth,
    UniversalAuth,
)


@dataclass(frozen=True, slots=True)
class MethodMaker:
    """All that any method needs."""

    provider: Infisical
    secrets: SecretReader
    surroundings: Surroundings
    open_exchange: Callable[[ssl.SSLContext], Exchange]

    def make(self, auth: Auth) -> AuthMethod:
        """Return the method of a configuration."""
        match auth:
            case UniversalAuth():
                return UniversalAuthMethod(auth, self.secrets)
            case AwsIamAuth():
                return AwsIamMethod(auth, self.surroundings)
            case GcpAuth():
                return GcpMethod(auth, self.secrets, self.surroundings)
            case AzureAuth():
                return AzureMethod(auth, self.surroundings)
            case KubernetesAuth():
                return KubernetesMethod(auth, self.secrets)
            case OidcAuth():
                return OidcMethod(auth, self.secrets)
            case JwtAuth():
                return JwtMethod(auth, self.secrets)
            case LdapAuth():
                return LdapMethod(auth, self.secrets)
            case TlsCertAuth():
                return TlsCertMethod(auth, self.secrets, self.provider, self.open_exchange)
            case _:
                return ReadyTokenMethod(auth, self.secrets)
