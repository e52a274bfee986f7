"""OpenID Connect: an ID token, which Infisical checks by the issuer's published keys."""

from psi.broker.infisical.auth.stored_jwt import StoredJwtMethod


class OidcMethod(StoredJwtMethod):
    """What is wrong with the token comes as a 500 on some servers (Infisical error-handler)."""

    name = "oidc"
    route = "oidc-auth"
