"""A JWT signed by Google for a service account whose key we hold.

Three steps: a JWT signed by the key buys an access token, with which IAM Credentials signs the
JWT that Infisical checks by Google's published keys (Infisical go-sdk, util/auth.go; Google
"Using OAuth 2.0 for Server to Server Applications"; IAM Credentials API, signJwt). The key's own
``token_uri`` is not used: whoever wrote the file could send our signature anywhere.
"""

import asyncio
import base64
import re
import time
from typing import Literal

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from psi.broker.infisical.auth.platform_http import Ask, ask_platform, failure
from psi.broker.infisical.auth.surroundings import Surroundings
from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.shared.errors import UNDECODABLE
from psi.shared.secret import SecretBytes

_AUDIENCE = "https://oauth2.googleapis.com/token"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE_SECONDS = 300
"""Of both JWTs: each is used at once; five minutes forgive a clock that is a little off."""
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,128}@[A-Za-z0-9.-]{1,128}")
_KEY_REMEDY = "give the JSON key of a Google service account"
_KEY_ERRORS = (ValueError, TypeError, UnsupportedAlgorithm)
"""Of load_pem_private_key: no PEM, an encrypted key, a kind that OpenSSL does not know."""


class _Key(msgspec.Struct):
    type: Literal["service_account"]
    client_email: str
    private_key: str
    private_key_id: str = ""

    def __repr__(self) -> str:
        return "_Key(…)"


class _AccessToken(msgspec.Struct):
    access_token: str

    def __repr__(self) -> str:
        return "_AccessToken(…)"


class _SignedJwt(msgspec.Struct, rename="camel"):
    signed_jwt: str

    def __repr__(self) -> str:
        return "_SignedJwt(…)"


async def signed_token(
    surroundings: Surroundings, key_text: SecretBytes, identity_id: str
) -> SecretBytes:
    """Return a JWT for the Infisical identity; raises UpstreamError."""
    key = _parse(key_text)
    assertion = await asyncio.to_thread(_assertion, key)
    access = await _access_token(surroundings, assertion)
    return await _signed(surroundings, key.client_email, access, identity_id)


def check_key(text: SecretBytes) -> None:
    """Raise UpstreamError (refused, by us) for what is no JSON key of a service account."""
    _private_key(_parse(text), validated=False)


def _parse(text: SecretBytes) -> _Key:
    try:
        key = msgspec.json.decode(text.reveal(), type=_Key)
    except UNDECODABLE:
        raise _unfit("is no JSON key of a service account") from None
    if not _EMAIL.fullmatch(key.client_email):
        raise _unfit("has no client_email")
    return key


def _unfit(cause: str) -> UpstreamError:
    return UpstreamError(Kind.REFUSED, f"service_account_key {cause}; {_KEY_REMEDY}")


def _private_key(key: _Key, *, validated: bool) -> RSAPrivateKey:
    """Return the RSA key; its numbers are checked where it is used, which takes 0.1 s."""
    try:
        private = load_pem_private_key(
            key.private_key.encode(), None, unsafe_skip_rsa_key_validation=not validated
        )
    except _KEY_ERRORS:
        raise _unfit("has no readable private_key") from None
    if not isinstance(private, RSAPrivateKey):
        raise _unfit("has no RSA private_key")
    return private


def _assertion(key: _Key) -> str:
    """Return the JWT that the token endpoint takes, by RS256 (RFC 7523). Blocks."""
    private = _private_key(key, validated=True)
    now = int(time.time())
    header = {"alg": "RS256", "typ": "JWT", "kid": key.private_key_id}
    claims = {
        "iss": key.client_email,
        "scope": _SCOPE,
        "aud": _AUDIENCE,
        "iat": now,
        "exp": now + _LIFE_SECONDS,
    }
    signed = b".".join(_encoded(msgspec.json.encode(part)) for part in (header, claims))
    signature = private.sign(signed, PKCS1v15(), SHA256())
    return b".".join((signed, _encoded(signature))).decode()


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


async def _access_token(surroundings: Surroundings, assertion: str) -> str:
    ask = Ask(
        what="Google's token server",
        remedy="check that the key exists, its service account is enabled, and the clock",
        method="POST",
        url=f"{surroundings.endpoints.google_tokens}/token",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        content=f"grant_type={_GRANT.replace(':', '%3A')}&assertion={assertion}".encode(),
        proxy=surroundings.proxy,
    )
    answer = await ask_platform(ask)
    try:
        return msgspec.json.decode(answer.body, type=_AccessToken).access_token
    except UNDECODABLE:
        raise failure(ask, "gives no token") from None


async def _signed(
    surroundings: Surroundings, email: str, access: str, identity_id: str
) -> SecretBytes:
    """Have the JWT signed; its end is set, for without one it would be good for ever."""
    payload = {"sub": email, "aud": identity_id, "exp": int(time.time()) + _LIFE_SECONDS}
    ask = Ask(
        what="Google's IAM Credentials API",
        remedy="enable it and give the account the role Service Account Token Creator on itself",
        method="POST",
        url=f"{surroundings.endpoints.google_iam}/v1/projects/-/serviceAccounts/{email}:signJwt",
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {access}"},
        content=msgspec.json.encode({"payload": msgspec.json.encode(payload).decode()}),
        proxy=surroundings.proxy,
    )
    answer = await ask_platform(ask)
    try:
        return SecretBytes(msgspec.json.decode(answer.body, type=_SignedJwt).signed_jwt.encode())
    except UNDECODABLE:
        raise failure(ask, "gives no signed JWT") from None
