"""The routing table, with the peculiarities of the real router."""

from tests.fakes.infisical import (
    auth_methods,
    batch,
    folders,
    imports,
    instance,
    listing,
    login,
    reading,
    writing,
)
from tests.fakes.infisical.certificates.routes import ROUTES as CERTIFICATE_ROUTES
from tests.fakes.infisical.route import Route

# The real router's maxParamLength: a longer name in the URL is an unknown route.
MAX_PARAMETER = 100

ROUTES = [
    Route("GET", "/api/status", instance.status, None, needs_token=False),
    Route("POST", "/api/v1/auth/universal-auth/login", login.login, "writes", needs_token=False),
    *(
        Route("POST", f"/api/v1/auth/{name}/login", handler, "writes", needs_token=False)
        for name, handler in {
            "aws-auth": auth_methods.aws,
            "gcp-auth": auth_methods.gcp,
            "azure-auth": auth_methods.azure,
            "kubernetes-auth": auth_methods.kubernetes,
            "oidc-auth": auth_methods.oidc,
            "jwt-auth": auth_methods.signed_jwt,
            "ldap-auth": auth_methods.ldap,
            "tls-cert-auth": auth_methods.tls_cert,
        }.items()
    ),
    Route("POST", "/api/v1/auth/token/renew", login.renew, "writes", needs_token=False),
    Route("POST", "/api/v1/auth/token/revoke", login.revoke, "writes", needs_token=False),
    Route("GET", "/api/v1/projects", instance.projects, "reads"),
    Route("GET", "/api/v2/folders", folders.list_folders, "reads"),
    Route("POST", "/api/v2/folders", folders.create_folder, "secrets"),
    Route("POST", "/api/v2/secret-imports", imports.create_import, "secrets"),
    Route("GET", "/api/v3/secrets/raw", listing.list_v3, "secrets"),
    Route("GET", "/api/v3/secrets/raw/:secretName", reading.get_v3, "secrets"),
    Route("POST", "/api/v3/secrets/raw/:secretName", writing.create_secret, "secrets"),
    Route("PATCH", "/api/v3/secrets/raw/:secretName", writing.update_secret, "secrets"),
    Route("DELETE", "/api/v3/secrets/raw/:secretName", writing.delete_secret, "secrets"),
    Route("GET", "/api/v4/secrets", listing.list_v4, "secrets"),
    Route("POST", "/api/v4/secrets/batch", batch.create_batch, "secrets"),
    Route("PATCH", "/api/v4/secrets/batch", batch.update_batch, "secrets"),
    Route("DELETE", "/api/v4/secrets/batch", batch.delete_batch, "secrets"),
    Route("GET", "/api/v4/secrets/:secretName", reading.get_v4, "secrets"),
    Route("POST", "/api/v4/secrets/:secretName", writing.create_secret, "secrets"),
    Route("PATCH", "/api/v4/secrets/:secretName", writing.update_secret, "secrets"),
    Route("DELETE", "/api/v4/secrets/:secretName", writing.delete_secret, "secrets"),
    *CERTIFICATE_ROUTES,
]

_FIXED = {(route.method, route.pattern): route for route in ROUTES if ":" not in route.pattern}
_NAMED: dict[tuple[str, int], list[Route]] = {}
for _route in ROUTES:
    if ":" in _route.pattern:
        _NAMED.setdefault((_route.method, _route.pattern.count("/")), []).append(_route)


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the route of a path as sent and its parameters; a trailing slash is ignored."""
    path = path.rstrip("/") if len(path) > 1 else path
    if (method, path) in _FIXED:
        return _FIXED[method, path], {}
    segments = path.split("/")
    for route in _NAMED.get((method, len(segments) - 1), []):
        parameters = route.match(segments, MAX_PARAMETER)
        if parameters is not None:
            return route, parameters
    return None
