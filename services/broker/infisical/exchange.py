"""One request to Infisical and its answer: bounded in time, size and number.

httpx's own timeouts are per read, so a dripping server would hold it for ever (r11): here one
deadline covers everything from connect to the last byte.
"""

import asyncio
import re
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

import httpx
import msgspec

from psi.broker.infisical.answer import classify_answer
from psi.broker.infisical.body import read_body
from psi.broker.infisical.clock import Clock
from psi.broker.infisical.connections import open_pool, parse_url
from psi.broker.infisical.health import Health
from psi.broker.infisical.outcome import Repeat, UpstreamError, foreign
from psi.broker.infisical.retry import ONE_TRY, Patience, Retry
from psi.broker.infisical.transport_fault import describe_fault, too_slow
from psi.broker.infisical.trust import tls_context
from psi.shared.limits import KIB, SINGLE_BODY_BYTES, Limits
from psi.shared.log import Log
from psi.shared.projection import Infisical
from psi.shared.secret import SecretBytes

ERROR_BODY_BYTES = 64 * KIB
"""Infisical's errors have a few hundred bytes; a 422 with many issues a few KiB."""

_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{1,128}"')
"""What is kept of one (RFC 9110, 8.8.3), short: Infisical's have some 45 characters."""

T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Question:
    """A GET: ``etag`` is sent as its condition, exactly as the server gave it."""

    path: str
    query: Mapping[str, str]
    token: SecretBytes
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Fetched(Generic[T]):
    """A decoded answer with its ETag, or None where it is as it was (a 304)."""

    value: T | None
    etag: str

    def certain(self) -> T:
        """Return the value; raises UpstreamError (foreign) for a 304 that was not asked for."""
        if self.value is None:
            raise foreign("a 304 to a question that had no condition", 304)
        return self.value


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
        self._retry = Retry(limits)
        self._places = asyncio.Semaphore(limits.upstream_connections)
        url = parse_url(config.api_url)
        self._base = str(url).rstrip("/")
        self._host = url.host
        self._client = open_pool(config, limits, tls or tls_context(config, log))

    async def get(
        self, path: str, query: Mapping[str, str], token: SecretBytes, kind: type[T], cap: int
    ) -> T:
        """GET a JSON answer of at most ``cap`` bytes, once."""
        fetched = await self.fetch(Question(path, query, token), kind, cap, ONE_TRY)
        return fetched.certain()

    async def fetch(
        self, question: Question, kind: type[T], cap: int, patience: Patience
    ) -> Fetched[T]:
        """GET a JSON answer of at most ``cap`` bytes, repeated as patience allows."""
        url = f"{self._base}{question.path}?{urlencode(question.query, quote_via=quote)}"
        headers = {"Authorization": f"Bearer {question.token.reveal().decode()}"}
        if question.etag:
            headers["If-None-Match"] = question.etag

        async def ask() -> Fetched[T]:
            return await self._ask(
                self._client.build_request("GET", url, headers=headers), kind, cap
            )

        return await self._retry.run(ask, patience)

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
        fetched = await self._ask(request, kind, SINGLE_BODY_BYTES, sent)
        return fetched.certain()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _ask(
        self, request: httpx.Request, kind: type[T], cap: int, sent: Sequence[SecretBytes] = ()
    ) -> Fetched[T]:
        async with self._places:
            self._health.requests += 1
            try:
                answer = await self._within_deadline(request, cap)
                conditional = "If-None-Match" in request.headers
                result = _decode(answer, kind, sent, conditional=conditional)
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
            fault.repeat = Repeat.AT_ONCE
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


def _decode(
    answer: Answer, kind: type[T], sent: Sequence[SecretBytes], *, conditional: bool
) -> Fetched[T]:
    etag = answer.headers.get("etag", "")
    if answer.status == 304 and conditional:
        return Fetched(None, "")
    if answer.status != 200:
        raise classify_answer(answer.status, answer.headers, answer.body, sent)
    media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise foreign("HTML or other text instead of JSON", answer.status)
    try:
        value = msgspec.json.decode(answer.body, type=kind)
        return Fetched(value, etag if _ETAG.fullmatch(etag) else "")
    except msgspec.ValidationError as error:
        # msgspec names types and fields here, never a value.
        raise foreign(f"JSON of another shape ({error})", answer.status) from None
    except (ValueError, RecursionError):
        raise foreign("a body that is no JSON", answer.status) from None
