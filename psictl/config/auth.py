"""``auth``: how PSI proves to Infisical who it is; every method's fields.

They are the bodies of Infisical's machine-identity logins in snake_case, each also as
``…_file`` and ``…_credential`` (the name of a systemd credential). A file's content is embedded
by ``apply``, except a JWT's: its file is read anew at each login, by the broker.
"""

import re
from collections.abc import Callable

from psi.shared.projection import (
    Auth,
    AwsIamAuth,
    AzureAuth,
    GcpAuth,
    JwtAuth,
    KubernetesAuth,
    LdapAuth,
    OidcAuth,
    SecretSource,
    TlsCertAuth,
    TokenAuth,
    UniversalAuth,
)
from psictl.config.auth_checks import (
    access_token,
    certificate,
    check_pair,
    private_key,
    service_account_key,
)
from psictl.config.auth_fields import NOTHING, embedded, fresh, text, variants
from psictl.config.fields import choice, plain
from psictl.config.problems import Unfit
from psictl.config.value import Section, Value

_FIELDS = (
    "client_id", "client_secret", "identity_id", "jwt", "username", "password", "certificate",
    "private_key", "token", "service_account_key",
)  # fmt: skip  # a list of words
_OPTIONS = ("region", "resource", "managed_identity", "organization_slug")
_REGION = re.compile(r"[a-z0-9-]{1,20}")
"""What Infisical takes for one (identity-aws-auth-service)."""
_AZURE_RESOURCE = "https://management.azure.com/"
NO_AUTH = UniversalAuth(client_id="", client_secret=NOTHING)
"""Stands in for what was wrong; a configuration with an error is never used."""


def read_auth(section: Section) -> Auth:
    """Read one ``auth`` section."""
    method = section.require("method", choice(*_METHODS), "")
    if not method:
        for key in (*_OPTIONS, *(key for name in _FIELDS for key in variants(name))):
            section.find(key)
        return NO_AUTH
    if section.find("organization_slug"):
        section.get("organization_slug", plain, "")
        section.value.notice("organization_slug is not served yet: logins name no organization")
    return _METHODS[method](section)


def _universal(section: Section) -> Auth:
    client_id, given = text(section, "client_id"), embedded(section, "client_secret")
    return UniversalAuth(
        client_id=client_id,
        client_secret=given.value,
        client_secret_credential=given.credential,
    )


def _aws(section: Section) -> Auth:
    return AwsIamAuth(
        identity_id=text(section, "identity_id"), region=section.get("region", _region, None)
    )


def _region(value: Value) -> str:
    found = plain(value)
    if not _REGION.fullmatch(found):
        raise Unfit("is no AWS region; write it as eu-central-1")
    return found


def _gcp(section: Section) -> Auth:
    name = "service_account_key"
    given = any(section.find(key) for key in variants(name))
    return GcpAuth(
        identity_id=text(section, "identity_id"),
        service_account_key=embedded(section, name, service_account_key) if given else None,
    )


def _azure(section: Section) -> Auth:
    return AzureAuth(
        identity_id=text(section, "identity_id"),
        resource=section.get("resource", plain, _AZURE_RESOURCE),
        managed_identity=section.get("managed_identity", plain, None),
    )


def _kubernetes(section: Section) -> Auth:
    usual = KubernetesAuth(identity_id="").jwt
    return KubernetesAuth(
        identity_id=text(section, "identity_id"), jwt=fresh(section, "jwt", usual)
    )


def _oidc(section: Section) -> Auth:
    return OidcAuth(identity_id=text(section, "identity_id"), jwt=fresh(section, "jwt"))


def _jwt(section: Section) -> Auth:
    return JwtAuth(identity_id=text(section, "identity_id"), jwt=fresh(section, "jwt"))


def _ldap(section: Section) -> Auth:
    return LdapAuth(
        identity_id=text(section, "identity_id"),
        username=text(section, "username"),
        password=embedded(section, "password"),
    )


def _tls_cert(section: Section) -> Auth:
    shown = embedded(section, "certificate", certificate)
    key = embedded(section, "private_key", private_key)
    if _is_given(shown) and _is_given(key):
        check_pair(section.value, shown.value or NOTHING, key.value or NOTHING)
    return TlsCertAuth(identity_id=text(section, "identity_id"), certificate=shown, private_key=key)


def _is_given(source: SecretSource) -> bool:
    return source.value is not None and len(source.value) > 0


def _token(section: Section) -> Auth:
    return TokenAuth(token=embedded(section, "token", access_token))


_METHODS: dict[str, Callable[[Section], Auth]] = {
    "universal-auth": _universal,
    "aws-iam": _aws,
    "gcp": _gcp,
    "azure": _azure,
    "kubernetes": _kubernetes,
    "oidc": _oidc,
    "jwt": _jwt,
    "ldap": _ldap,
    "tls-cert": _tls_cert,
    "token": _token,
}
