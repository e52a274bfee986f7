"""The routes of the certificate manager, and the legacy one beside it."""

from tests.fakes.infisical.certificates import issuing, reading, renewal, setup
from tests.fakes.infisical.route import Route

_BASE = "/api/v1/cert-manager"
_CERTIFICATES = f"{_BASE}/certificates"
_PROFILES = f"{_BASE}/certificate-profiles"

ROUTES = [
    Route("GET", f"{_BASE}/ca", setup.list_authorities, "reads"),
    Route("POST", f"{_BASE}/ca/internal", setup.create_authority, "writes"),
    Route(
        "GET",
        f"{_BASE}/ca/internal/:caId/ca-certificates",
        setup.authority_certificates,
        "reads",
    ),
    Route("POST", f"{_BASE}/certificate-policies", setup.create_policy, "writes"),
    Route("POST", _PROFILES, setup.create_profile, "writes"),
    Route("GET", _PROFILES, setup.list_profiles, "reads"),
    Route("GET", f"{_PROFILES}/slug/:slug", setup.profile_by_slug, "reads"),
    Route("POST", _CERTIFICATES, issuing.issue, "writes"),
    Route("GET", f"{_CERTIFICATES}/certificate-requests/:requestId", reading.request, "reads"),
    Route("GET", f"{_CERTIFICATES}/:id", reading.get, "reads"),
    Route("GET", f"{_CERTIFICATES}/:id/certificate", reading.body, "reads"),
    Route("GET", f"{_CERTIFICATES}/:id/bundle", reading.bundle, "reads"),
    Route("GET", f"{_CERTIFICATES}/:id/private-key", reading.private_key, "reads"),
    Route("POST", f"{_CERTIFICATES}/:id/renew", renewal.renew, "writes"),
    Route("POST", f"{_CERTIFICATES}/:id/revoke", renewal.revoke, "writes"),
    Route(
        "POST",
        "/api/v1/pki/certificates/issue-certificate",
        issuing.issue_by_the_old_way,
        "writes",
    ),
]
