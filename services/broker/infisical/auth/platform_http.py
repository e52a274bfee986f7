"""One request to what a cloud offers its machines: short, small, direct and without redirects.

A metadata server hands a machine its identity, so whoever can lead this request elsewhere, by a
proxy or a redirect, gets that identity.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from psi.broker.infisical.body import ACCEPT_ENCODING, read_body
from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.shared.limits import KIB
from psi.shared.text import ascii_line

PLATFORM_SECONDS = 5.0
"""From connect to the last byte: a metadata server is on this machine or its hypervisor."""
PLATFORM_CONNECT_SECONDS = 2.0
"""On a machine outside the cloud packets to a link-local address vanish."""
PLATFORM_BYTES = 64 * KIB
"""The longest answers are tokens of some KiB."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request; ``what`` names the server in an error, ``remedy`` says what to do about it."""

    what: str
    remedy: str
    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes = b""
    proxy: str | None = None
    """Never for metadata; a cloud's public API is reached as Infisical is."""


@dataclass(frozen=True, slots=True)
class PlatformAnswer:
    """A 200."""

    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return "PlatformAnswer(…)"


async def ask_platform(ask: Ask) -> PlatformAnswer:
    """Return the answer; raises UpstreamError (transport): Infisical has refused nothing yet."""
    try:
        async with asyncio.timeout(PLATFORM_SECONDS), _client(ask) as client:
            request = client.build_request(
                ask.method, ask.url, headers=dict(ask.headers), content=ask.content or None
            )
            response = await client.send(request, stream=True)
            try:
                if response.status_code != 200:
                    raise failure(ask, f"answers {response.status_code}")
                body = await _read(ask, response)
            finally:
                await response.aclose()
            return PlatformAnswer(response.headers, body)
    except TimeoutError:
        raise failure(ask, f"gives no whole answer within {PLATFORM_SECONDS:g} s") from None
    except httpx.TimeoutException:
        raise failure(ask, "cannot be reached in time") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise failure(ask, f"cannot be asked ({type(error).__name__})") from None


def failure(ask: Ask, cause: str) -> UpstreamError:
    """Return the error for what a platform's server did; it never quotes its answer."""
    return UpstreamError(Kind.TRANSPORT, f"{ask.what} {ascii_line(cause, 60)}; {ask.remedy}")


async def _read(ask: Ask, response: httpx.Response) -> bytes:
    try:
        return await read_body(response, PLATFORM_BYTES)
    except UpstreamError:
        raise failure(ask, "gives an answer that is too large or damaged") from None


def _client(ask: Ask) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        verify=_trust(ask.url),
        proxy=ask.proxy,
        trust_env=False,
        follow_redirects=False,
        headers={"Accept-Encoding": ACCEPT_ENCODING, "User-Agent": "psi-broker"},
        timeout=httpx.Timeout(None, connect=PLATFORM_CONNECT_SECONDS),
    )


def _trust(url: str) -> ssl.SSLContext:
    """Return the system's roots for https, and none where no TLS is spoken: loading takes 20 ms."""
    if url.startswith("https:"):
        return ssl.create_default_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
