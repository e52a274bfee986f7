"""A Google instance's own identity token, from its metadata server."""

from urllib.parse import urlencode

from psi.broker.infisical.auth.platform_http import Ask, ask_platform, failure
from psi.shared.secret import SecretBytes

_PATH = "/computeMetadata/v1/instance/service-accounts/default/identity"
_FLAVOR = "Metadata-Flavor"


async def instance_token(base: str, identity_id: str) -> SecretBytes:
    """Return a token whose audience is the Infisical identity; raises UpstreamError."""
    query = urlencode({"audience": identity_id, "format": "full"})
    ask = Ask(
        what="the Google metadata server",
        remedy="run on Google Cloud with a service account, or give auth.service_account_key",
        method="GET",
        url=f"{base}{_PATH}?{query}",
        headers={_FLAVOR: "Google"},
    )
    answer = await ask_platform(ask)
    # Google's servers say so in every answer: anything else under this name is not theirs.
    if answer.headers.get(_FLAVOR.lower()) != "Google":
        raise failure(ask, "is not Google's")
    token = answer.body.strip()
    if not token or not token.isascii():
        raise failure(ask, "gives no token")
    return SecretBytes(token)
