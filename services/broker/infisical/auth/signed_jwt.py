"""JWT: a token signed by a key that the identity's configuration in Infisical names."""

from psi.broker.infisical.auth.stored_jwt import StoredJwtMethod


class JwtMethod(StoredJwtMethod):
    """Infisical checks it by its own copy of the public key, or a JWKS address."""

    name = "jwt"
    route = "jwt-auth"
