"""Values that name a place: absolute paths, URLs, and files whose content is embedded."""

import ipaddress
import os
import re
import ssl
from urllib.parse import SplitResult, urlsplit

from psi.shared.limits import MIB
from psi.shared.names import printable
from psi.shared.secret import SecretBytes
from psictl.config.fields import MAX_TEXT, checked_secret, plain
from psictl.config.problems import Unfit
from psictl.config.regular_file import read_regular
from psictl.config.value import Value

MAX_FILE_BYTES = 1 * MIB
"""A bundle of all public CAs has 220 KiB; a credential far less."""
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")
_URL_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")


def absolute_path(value: Value) -> str:
    """Return a path from ``/`` on without ``..``, ``//`` or a trailing slash."""
    text = plain(value)
    if not text.startswith("/") or os.path.normpath(text) != text or text == "/":
        raise Unfit(f"{printable(text)!r} is no absolute path without '..', '//' or '/' at its end")
    return text


def api_url(value: Value) -> str:
    """Return Infisical's address without a trailing slash; http is noted unless it is local."""
    text, url = _url(value)
    if not _URL_PATH.fullmatch(url.path.rstrip("/")) or url.query or url.fragment:
        raise Unfit("the address has a query, a fragment or an odd path; give https://HOST")
    if url.path.rstrip("/").endswith("/api"):
        raise Unfit("the address ends in /api, which PSI adds itself; leave it off")
    if url.scheme == "http" and not _is_loopback(url.hostname or ""):
        value.notice("http: whoever is on the way reads every credential and value; use https")
    return text.rstrip("/")


def proxy_url(value: Value) -> str:
    """Return the proxy's address; it may hold a password, so it is never repeated."""
    text, url = _url(value, user_allowed=True)
    if url.path.rstrip("/") or url.query or url.fragment:
        raise Unfit("a proxy's address has no path; give http://HOST:PORT")
    return text


def _url(value: Value, *, user_allowed: bool = False) -> tuple[str, SplitResult]:
    text = plain(value)
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port
    except ValueError:
        raise Unfit("is no address; write https://HOST or https://HOST:PORT") from None
    if url.scheme not in {"http", "https"} or not host or not _HOST.fullmatch(host) or port == 0:
        raise Unfit("is no http or https address; write https://HOST or https://HOST:PORT")
    if "@" in url.netloc and not user_allowed:
        raise Unfit("the address has a user or password in it; credentials belong under auth")
    return text, url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def certificate_authority(value: Value) -> str:
    """Return the content of a PEM file of CA certificates."""
    path = absolute_path(value)
    text = _content(path).decode("ascii", "replace")
    if "PRIVATE KEY" in text:
        raise Unfit(f"{path} holds a private key; name a file with the CA's certificates alone")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        raise Unfit(f"{path} holds no CA certificate that OpenSSL reads; give a PEM file") from None
    return text


def secret_file(value: Value) -> SecretBytes:
    """Return a file's content as a secret, without the newline that editors put at the end."""
    data = _content(absolute_path(value))
    return checked_secret(data.removesuffix(b"\n").removesuffix(b"\r"))


def text_file(value: Value) -> str:
    """Return a file's one line of text, such as a client id."""
    path = absolute_path(value)
    text = _content(path).decode("utf-8", "replace").strip()
    if not text.isprintable() or not text or len(text) > MAX_TEXT:
        raise Unfit(f"{path} holds no single line of text of at most {MAX_TEXT} characters")
    return text


def _content(path: str) -> bytes:
    return read_regular(path, MAX_FILE_BYTES)[0]
