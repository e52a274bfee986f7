"""Names what broke below HTTP: DNS, the connection, TLS, the proxy or the time limit."""

import socket
import ssl
from collections.abc import Iterator

import httpx

from psi.broker.infisical.outcome import Kind, Repeat, UpstreamError, foreign
from psi.shared.text import ascii_line

# OpenSSL's verification results (X509_V_ERR_*, openssl-verification-options(1)).
_UNTRUSTED = {2, 18, 19, 20, 21}
_EXPIRED = {9, 10}
_WRONG_NAME = {62, 64}
_MAX_CAUSES = 16
"""Exception chains are short; a cycle must not hold us."""


def describe_fault(error: Exception, host: str) -> UpstreamError:
    """Return the error for an exchange that httpx could not finish; the host is shown."""
    shown = ascii_line(host, 60)
    if isinstance(error, httpx.ConnectTimeout):
        text = f"no connection to {shown} in time; check the network, its firewall and api_url"
        return _passing(text)
    if isinstance(error, httpx.ProxyError):
        text = f"the proxy refuses to connect to {shown}; check the provider's proxy setting"
        return _passing(text)
    for cause in _causes(error):
        known = _known(cause, shown)
        if known is not None:
            lasting = isinstance(cause, ssl.SSLError)
            return UpstreamError(Kind.TRANSPORT, known) if lasting else _passing(known)
    if isinstance(error, httpx.ConnectError):
        text = f"cannot connect to {shown}; check that Infisical runs, the network and api_url"
        return _passing(text)
    return _broken(error, shown)


def _passing(text: str) -> UpstreamError:
    """Return the error for a fault that may pass, so that a GET is worth a repetition."""
    error = UpstreamError(Kind.TRANSPORT, text)
    error.repeat = Repeat.LATER
    return error


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk causes, contexts and groups: anyio groups one error per address it tried."""
    queue, seen = [error], 0
    while queue and seen < _MAX_CAUSES:
        one = queue.pop(0)
        seen += 1
        yield one
        if isinstance(one, BaseExceptionGroup):
            queue.extend(one.exceptions)
        queue.extend(other for other in (one.__cause__, one.__context__) if other is not None)


def _known(cause: BaseException, host: str) -> str | None:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _untrusted(cause, host)
    if isinstance(cause, ssl.SSLError):
        reason = ascii_line(cause.reason or "handshake failed", 60)
        return f"TLS with {host} failed: {reason}; check api_url's scheme and port, and the server"
    if isinstance(cause, socket.gaierror):
        return f"DNS: the name {host} does not resolve; check api_url and the host's resolver"
    if isinstance(cause, ConnectionRefusedError):
        return f"{host} refuses the connection; check that Infisical runs there, and api_url"
    return None


def _untrusted(cause: ssl.SSLCertVerificationError, host: str) -> str:
    if cause.verify_code in _UNTRUSTED:
        return f"TLS: certificate of {host} not trusted; set ca_cert to the CA that signed it"
    if cause.verify_code in _EXPIRED:
        return f"TLS: certificate of {host} is not valid now; renew it, or check this host's clock"
    if cause.verify_code in _WRONG_NAME:
        return f"TLS: certificate is not for {host}; set api_url to a name that it has"
    reason = ascii_line(cause.verify_message, 60)
    return f"TLS: certificate of {host} refused: {reason}; correct the server's certificate"


def _broken(error: Exception, host: str) -> UpstreamError:
    ended = any(words in str(error) for words in ("disconnect", "peer closed"))
    if isinstance(error, httpx.RemoteProtocolError) and not ended:
        return foreign(f"{host} does not speak HTTP/1.1")
    return closed_early(host)


def closed_early(host: str) -> UpstreamError:
    """Return the error for a connection that ended before the answer was whole."""
    text = f"{ascii_line(host, 60)} closed the connection before its answer was whole"
    return _passing(f"{text}; see its log, and any proxy in between")


def too_slow(host: str, seconds: float) -> UpstreamError:
    """Return the error for an exchange that missed its whole deadline, in seconds."""
    text = f"no whole answer from {ascii_line(host, 60)} within {seconds:g} s"
    return _passing(f"{text}; check its load and the network")
