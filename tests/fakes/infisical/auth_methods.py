"""Logins other than by universal auth: who may, checked as far as a stand-in can.

An identity's `auth` names its methods by their route, each with what the real server would have
been configured with. Words that the facts do not give are of the same style as those they do.
"""

import hmac
from typing import Any

from tests.fakes.infisical.auth_methods_aws import replay
from tests.fakes.infisical.auth_methods_jwt import claims_of
from tests.fakes.infisical.auth_methods_tls import common_name
from tests.fakes.infisical.call import Call
from tests.fakes.infisical.errors import LOCKED, ApiError, not_found, unauthorized
from tests.fakes.infisical.login import count_failure
from tests.fakes.infisical.messages import Response, json_response
from tests.fakes.infisical.model import Identity
from tests.fakes.infisical.schema import Fields

_NAMES = {
    "aws-auth": "AWS",
    "gcp-auth": "GCP",
    "azure-auth": "Azure",
    "kubernetes-auth": "Kubernetes",
    "oidc-auth": "OIDC",
    "jwt-auth": "JWT",
    "ldap-auth": "LDAP",
    "tls-cert-auth": "TLS Certificate",
}


def _asked(call: Call, method: str, *names: str) -> tuple[Identity, dict[str, Any], list[str]]:
    """Return the identity, its configuration of the method, and the other fields of the body."""
    fields = Fields(call.body)
    identity_id = fields.text("identityId")
    others = [fields.text(name) for name in names]
    fields.finish()
    identity = call.state.by_identity_id(identity_id)
    if identity is None or method not in identity.auth:
        name = _NAMES[method]
        raise not_found(
            f"{name} auth method not found for identity, did you configure {name} auth?"
        )
    return identity, identity.auth[method], others


def _welcome(call: Call, identity: Identity) -> Response:
    identity.uses += 1
    identity.failures = 0
    return json_response(call.state.tokens.login(identity))


def _require(allowed: Any, given: object, what: str) -> None:
    """Refuse a value that is not among the allowed ones; no list allows all."""
    if allowed and given not in allowed:
        raise unauthorized(f"Access denied: {what} not allowed.")


def aws(call: Call) -> Response:
    """POST /api/v1/auth/aws-auth/login: the signed request is replayed to the region's STS."""
    names = ("iamHttpRequestMethod", "iamRequestBody", "iamRequestHeaders")
    identity, config, signed = _asked(call, "aws-auth", *names)
    principal = replay(signed, config["principals"], call.state.clock.now())
    _require(config.get("accounts"), principal["account"], "AWS account ID")
    _require(config.get("arns"), principal["arn"], "AWS principal ARN")
    return _welcome(call, identity)


def gcp(call: Call) -> Response:
    """POST /api/v1/auth/gcp-auth/login: an instance's identity token, or IAM's signed JWT."""
    identity, config, (jwt,) = _asked(call, "gcp-auth", "jwt")
    claims = claims_of(jwt, config["public_key"], call.state.clock.now())
    _require([identity.id], claims.get("aud"), "GCP audience")
    email = claims.get("email", claims.get("sub"))
    _require(config.get("service_accounts"), email, "GCP service account")
    return _welcome(call, identity)


def azure(call: Call) -> Response:
    """POST /api/v1/auth/azure-auth/login."""
    identity, config, (jwt,) = _asked(call, "azure-auth", "jwt")
    claims = claims_of(jwt, config["public_key"], call.state.clock.now())
    _require([config["resource"]], claims.get("aud"), "Azure audience")
    _require([config["tenant"]], claims.get("tid"), "Azure tenant")
    _require(config.get("service_principals"), claims.get("oid"), "Azure service principal")
    return _welcome(call, identity)


def kubernetes(call: Call) -> Response:
    """POST /api/v1/auth/kubernetes-auth/login: the stand-in is its own TokenReview."""
    identity, config, (jwt,) = _asked(call, "kubernetes-auth", "jwt")
    claims = claims_of(jwt, config["public_key"], call.state.clock.now())
    _, _, account = str(claims.get("sub")).partition("system:serviceaccount:")
    namespace, _, name = account.partition(":")
    _require(config.get("namespaces"), namespace, "Kubernetes namespace")
    _require(config.get("names"), name, "Kubernetes service account name")
    return _welcome(call, identity)


def oidc(call: Call) -> Response:
    """POST /api/v1/auth/oidc-auth/login."""
    return _by_claims(call, "oidc-auth", "OIDC")


def signed_jwt(call: Call) -> Response:
    """POST /api/v1/auth/jwt-auth/login."""
    return _by_claims(call, "jwt-auth", "JWT")


def _by_claims(call: Call, method: str, name: str) -> Response:
    identity, config, (jwt,) = _asked(call, method, "jwt")
    claims = claims_of(jwt, config["public_key"], call.state.clock.now())
    for claim, words in (("iss", "issuer"), ("aud", "audience"), ("sub", "subject")):
        if claim in config and claims.get(claim) != config[claim]:
            raise ApiError(403, "ForbiddenError", f"Access denied: {name} {words} not allowed.")
    return _welcome(call, identity)


def ldap(call: Call) -> Response:
    """POST /api/v1/auth/ldap-auth/login: a wrong password counts towards a lockout."""
    identity, config, (username, password) = _asked(call, "ldap-auth", "username", "password")
    now = call.state.clock.now()
    if identity.locked_until > now:
        raise unauthorized(LOCKED)
    wanted = config["users"].get(username)
    if wanted is None or not hmac.compare_digest(wanted.encode(), password.encode()):
        count_failure(identity, now)
        raise unauthorized("Invalid credentials")
    return _welcome(call, identity)


def tls_cert(call: Call) -> Response:
    """POST /api/v1/auth/tls-cert-auth/login: the certificate is in the TLS end's header."""
    identity, config, _ = _asked(call, "tls-cert-auth")
    name = common_name(call.request, config["ca"])
    _require(config.get("common_names"), name, "TLS certificate common name")
    return _welcome(call, identity)
