"""Signs the one AWS request that proves who we are, by botocore's SigV4 signer and nothing else.

The rest of botocore would read ``~/.aws`` and may run a ``credential_process``. Importing the
signer takes 0.2 s and signing logs the session token at DEBUG, which the broker's logging keeps
silent: call this on a thread.
"""

import base64
import importlib.util
from dataclasses import dataclass

import msgspec

from psi.broker.infisical.outcome import unserved
from psi.shared.secret import SecretBytes

_BODY = b"Action=GetCallerIdentity&Version=2011-06-15"
_FORM = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True, slots=True)
class AwsCredentials:
    """An access key, and for temporary ones the session token."""

    access_key: str
    secret_key: SecretBytes
    session_token: SecretBytes | None = None

    def secrets(self) -> list[SecretBytes]:
        """Return what must stay out of texts."""
        return [self.secret_key, *([self.session_token] if self.session_token else [])]


@dataclass(frozen=True, slots=True)
class _SignerCredentials:
    """What botocore's signer reads (botocore.auth.SigV4Auth)."""

    access_key: str
    secret_key: str
    token: str | None

    def __repr__(self) -> str:
        return "_SignerCredentials(…)"


def require_signer() -> None:
    """Raise UpstreamError (unserved) where botocore is not installed."""
    if importlib.util.find_spec("botocore") is None:
        raise unserved("aws-iam", "it needs botocore: install psi-suite[aws] for the broker")


def sign_caller_identity(credentials: AwsCredentials, region: str) -> dict[str, str]:
    """Return the fields of aws-auth's login: GetCallerIdentity for the regional STS host.

    Infisical takes the region from the signature's scope and replays the request there
    (identity-aws-auth-service). Blocks.
    """
    # Here, for the signer is an extra that only hosts on AWS install.
    from botocore.auth import SigV4Auth  # noqa: PLC0415
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415

    host = f"sts.{region}.amazonaws.com"
    token = credentials.session_token
    signer_credentials = _SignerCredentials(
        credentials.access_key,
        credentials.secret_key.reveal().decode(),
        token.reveal().decode() if token is not None else None,
    )
    request = AWSRequest(
        "POST", f"https://{host}/", headers={"Content-Type": _FORM, "Host": host}, data=_BODY
    )
    SigV4Auth(signer_credentials, "sts", region).add_auth(request)
    headers = msgspec.json.encode(dict(request.headers.items()))
    return {
        "iamHttpRequestMethod": "POST",
        "iamRequestBody": base64.b64encode(_BODY).decode(),
        "iamRequestHeaders": base64.b64encode(headers).decode(),
    }
