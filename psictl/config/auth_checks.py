"""What can be known of a credential without sending it: its form.

Each check raises Unfit and never repeats what it was given.
"""

import re
import ssl
from typing import Literal

import msgspec

from psi.shared.errors import UNDECODABLE
from psi.shared.memory_file import memory_file
from psi.shared.secret import SecretBytes
from psictl.config.problems import Unfit
from psictl.config.value import Value

_TOKEN = re.compile(rb"[A-Za-z0-9._~+/=-]{1,8192}")
"""As it may stand in an Authorization header."""


class _ServiceAccountKey(msgspec.Struct):
    type: Literal["service_account"]
    client_email: str
    private_key: str

    def __repr__(self) -> str:
        return "_ServiceAccountKey(…)"


def service_account_key(found: SecretBytes) -> None:
    """Refuse what is no JSON key of a Google service account."""
    try:
        key = msgspec.json.decode(found.reveal(), type=_ServiceAccountKey)
    except UNDECODABLE:
        raise Unfit("is no JSON key of a Google service account; download it anew") from None
    if "@" not in key.client_email or "PRIVATE KEY-----" not in key.private_key:
        raise Unfit("has no client_email or private_key; download the key anew, as JSON")


def access_token(found: SecretBytes) -> None:
    """Refuse what is no access token, and Infisical's service tokens, which it gave up."""
    if found.reveal().startswith(b"st."):
        cause = "is a service token, which Infisical gave up"
        raise Unfit(f"{cause}; make an access token by token auth of a machine identity")
    if not _TOKEN.fullmatch(found.reveal()):
        raise Unfit("is no access token; copy it whole from Infisical, on one line")


def certificate(found: SecretBytes) -> None:
    """Refuse what holds no PEM certificate."""
    if b"BEGIN CERTIFICATE-----" not in found.reveal():
        raise Unfit("holds no PEM certificate; give the client certificate, its chain behind it")


def private_key(found: SecretBytes) -> None:
    """Refuse what holds no PEM key, and a key with a password, which nobody could type."""
    if b"PRIVATE KEY-----" not in found.reveal():
        raise Unfit("holds no PEM private key; give the client certificate's key")
    if b"ENCRYPTED" in found.reveal():
        raise Unfit("is encrypted; give it without a password")


def check_pair(value: Value, shown: SecretBytes, key: SecretBytes) -> None:
    """Note an error where a certificate and a key are no pair."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        with memory_file(shown) as chain, memory_file(key) as private:
            context.load_cert_chain(chain, private, password="")
    except (ssl.SSLError, OSError, ValueError):
        value.error("certificate and private_key are no pair; give the key of this certificate")
