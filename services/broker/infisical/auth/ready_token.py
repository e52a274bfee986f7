"""Token: an access token that an administrator made (Infisical token auth); there is no login.

It is renewed as others are, which leaves the one given as it is, and never revoked: whoever made
it decides that.
"""

import base64
import hashlib
import re
import time

import msgspec

from psi.broker.infisical.auth.proof import proof_of
from psi.broker.infisical.auth.secret_reader import SecretReader
from psi.broker.infisical.exchange import Exchange
from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.broker.infisical.wire import WireToken
from psi.shared.limits import LIST_BODY_BYTES
from psi.shared.projection import TokenAuth
from psi.shared.secret import SecretBytes

_PROJECTS = "/api/v1/projects"
"""Asks for a token and for no permission: the answer tells whether it is still good."""
_FORM = re.compile(rb"[A-Za-z0-9._~+/=-]{1,8192}")
"""As it may stand in a header (wire.Jwt)."""
_SERVICE_TOKEN = b"st."
_NAME_CHARACTERS = 12


class _Claims(msgspec.Struct, rename="camel"):
    identity_id: str = ""
    exp: float | None = None


class _Anything(msgspec.Struct):
    """An answer that need only be JSON."""


class ReadyTokenMethod:
    """Holds a token that is used as it is."""

    name = "token"
    minted = False
    given = True

    def __init__(self, auth: TokenAuth, secrets: SecretReader) -> None:
        self._source = auth.token
        self._secrets = secrets
        self.identity = self._named()

    def proof(self) -> SecretBytes:
        """Return method and token; raises UpstreamError for what is no access token."""
        return proof_of(self, self._token())

    async def login(self, exchange: Exchange) -> WireToken:
        """Return the token after Infisical accepted it; raises UpstreamError."""
        token = self._token()
        try:
            await exchange.get(_PROJECTS, {}, token, _Anything, LIST_BODY_BYTES)
        except UpstreamError as error:
            # An older server has no such route: its answer says nothing about the token.
            if error.kind is not Kind.FOREIGN or error.status != 404:
                raise
        text = token.reveal().decode()
        left = _claims(text).exp
        return WireToken(text, 0 if left is None else max(1, left - time.time()))

    def _token(self) -> SecretBytes:
        token = self._secrets.read(self._source, "token")
        if token.reveal().startswith(_SERVICE_TOKEN):
            cause = "token is a service token, which Infisical gave up"
            raise UpstreamError(Kind.REFUSED, f"{cause}; make one by token auth of an identity")
        if not _FORM.fullmatch(token.reveal()):
            remedy = "copy it whole from Infisical, on one line"
            raise UpstreamError(Kind.REFUSED, f"token is no access token; {remedy}")
        return token

    def _named(self) -> str:
        """Return the identity that the token names, else the start of its hash, or nothing."""
        try:
            token = self._token().reveal()
        except UpstreamError:
            return ""
        named = _claims(token.decode()).identity_id
        return named or hashlib.sha256(token).hexdigest()[:_NAME_CHARACTERS]


def _claims(jwt: str) -> _Claims:
    """Read a JWT's claims without checking its signature: Infisical does."""
    parts = jwt.split(".")
    try:
        claims = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(claims, type=_Claims)
    except (IndexError, ValueError, RecursionError):
        return _Claims()
