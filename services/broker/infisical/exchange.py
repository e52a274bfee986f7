"""One request to Infisical and its answer: bounded in time, size and number.

httpx's own timeouts are per read, so a dripping server would hold it for ever (r11): here one
deadline covers everything from connect to the last byte.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TypeVar
from urllib.parse import quote, urlencode

import httpx
import msgspec

from psi.broker.infisical.answer import classify_answer
from psi.broker.infisical.body import ACCEPT_ENCODING, read_body
from psi.broker.infisical.clock import Clock
from psi.broker.infisical.health import Health
from psi.broker.infisical.outcome import UpstreamError, foreign
from psi.broker.infisical.transport_fault import describe_fault, too_slow
from psi.broker.infisical.trust import tls_context
from psi.shared.errors import ConfigError
from psi.shared.limits import KIB, SINGLE_BODY_BYTES, Limits
from psi.shared.log import Log
from psi.shared.projection import Infisical
from psi.shared.secret import SecretBytes

ERROR_BODY_BYTES = 64 * KIB
"""Infisical's errors have a few hundred bytes; a 422 with many issues a few KiB."""
KEEPALIVE_SECONDS = 15
"""Infisical's Node server closes idle connections after 72 s, proxies often after 60."""

T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response."""

    status: int
    headers: httpx.Headers
    body: bytes


class Exchange:
    """The pool of connections to one Infisical; every failure is an UpstreamError."""

    def __init__(
        self,
        config: Infisical,
        limits: Limits,
        health: Health,
        clock: Clock,
        log: Log,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._limits = limits
        self._health = health
        self._clock = clock
        self._places = asyncio.Semaphore(limits.upstream_connections)
        url = _parse_url(config.api_url)
        self._base = str(url).rstrip("/")
        self._host = url.host
        self._client = _open_pool(config, limits, tls or tls_context(config, log))

    async def get(
        self, path: str, query: Mapping[str, str], token: SecretBytes, kind: type[T], cap: int
    ) -> T:
        """GET a JSON answer of at most ``cap`` bytes.

        Repeated once after a 500, or when the connection ended before an answer began: a kept
        one may have been closed by the server just then.
        """
        url = f"{self._base}{path}?{urlencode(query, quote_via=quote)}"
        headers = {"Authorization": f"Bearer {token.reveal().decode()}"}
        try:
            return await self._ask(
                self._client.build_request("GET", url, headers=headers), kind, cap
            )
        except UpstreamError as error:
            if not error.repeatable:
                raise
        await asyncio.sleep(self._limits.retry_delay_seconds)
        return await self._ask(self._client.build_request("GET", url, headers=headers), kind, cap)

    async def post(
        self, path: str, body: Mapping[str, str], kind: type[T], sent: Sequence[SecretBytes]
    ) -> T:
        """POST JSON, once, without an Authorization header.

        An expired token in that header would be refused even by login (Infisical
        inject-identity). ``sent`` are the secrets in the body, kept out of error texts.
        """
        request = self._client.build_request(
            "POST",
            self._base + path,
            content=msgspec.json.encode(body),
            headers={"Content-Type": "application/json"},
        )
        return await self._ask(request, kind, SINGLE_BODY_BYTES, sent)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _ask(
        self, request: httpx.Request, kind: type[T], cap: int, sent: Sequence[SecretBytes] = ()
    ) -> T:
        async with self._places:
            self._health.requests += 1
            try:
                answer = await self._within_deadline(request, cap)
                result = _decode(answer, kind, sent)
            except UpstreamError as error:
                self._health.bad(error, self._clock.wall())
                raise
        self._health.good(self._clock.wall())
        return result

    async def _within_deadline(self, request: httpx.Request, cap: int) -> Answer:
        seconds = self._limits.upstream_seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._answer(request, cap)
        except TimeoutError:
            raise too_slow(self._host, seconds) from None
        except (httpx.HTTPError, OSError) as error:
            raise describe_fault(error, self._host) from None

    async def _answer(self, request: httpx.Request, cap: int) -> Answer:
        try:
            response = await self._client.send(request, stream=True)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            fault = describe_fault(error, self._host)
            fault.repeatable = True
            raise fault from None
        try:
            body = await _body_of(response, cap)
        finally:
            with suppress(httpx.HTTPError, OSError):
                await response.aclose()
        return Answer(response.status_code, response.headers, body)


async def _body_of(response: httpx.Response, cap: int) -> bytes:
    """Read the body; that of an error may be anything, since its status says enough."""
    if response.status_code == 200:
        return await read_body(response, cap)
    try:
        return await read_body(response, ERROR_BODY_BYTES)
    except (UpstreamError, httpx.HTTPError):
        return b""


def _decode(answer: Answer, kind: type[T], sent: Sequence[SecretBytes]) -> T:
    if answer.status != 200:
        raise classify_answer(answer.status, answer.headers, answer.body, sent)
    media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise foreign("HTML or other text instead of JSON", answer.status)
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.ValidationError as error:
        # msgspec names types and fields here, never a value.
        raise foreign(f"JSON of another shape ({error})", answer.status) from None
    except (ValueError, RecursionError):
        raise foreign("a body that is no JSON", answer.status) from None


def _parse_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ConfigError(f"api_url is no URL: {error}; correct it and run psictl apply") from error
    if url.scheme not in {"http", "https"} or not url.host or url.query or url.userinfo:
        form = "https://HOST, without user, password or query"
        raise ConfigError(f"api_url is not of the form {form}; correct it and run psictl apply")
    return url


def _parse_proxy(text: str | None) -> httpx.Proxy | None:
    if text is None:
        return None
    form = "http://HOST:PORT or https://HOST:PORT"
    try:
        proxy = httpx.Proxy(text)
    except (httpx.InvalidURL, ValueError):  # their text may hold the proxy's password
        raise ConfigError(f"proxy is not of the form {form}; correct it") from None
    if proxy.url.scheme not in {"http", "https"} or not proxy.url.host:
        raise ConfigError(f"proxy is not of the form {form}; correct it and run psictl apply")
    return proxy


def _open_pool(config: Infisical, limits: Limits, tls: ssl.SSLContext) -> httpx.AsyncClient:
    """Open a client that takes nothing from the environment and keeps nothing but connections."""
    return httpx.AsyncClient(
        verify=tls,
        proxy=_parse_proxy(config.proxy),
        trust_env=False,
        follow_redirects=False,
        http2=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        headers={
            "Accept": "application/json",
            "Accept-Encoding": ACCEPT_ENCODING,
            "User-Agent": "psi-broker",
        },
        timeout=httpx.Timeout(None, connect=limits.upstream_connect_seconds),
        limits=httpx.Limits(
            max_connections=limits.upstream_connections,
            max_keepalive_connections=limits.upstream_connections,
            keepalive_expiry=KEEPALIVE_SECONDS,
        ),
    )
