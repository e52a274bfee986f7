"""The circuit breaker before Infisical: an outage must not cost every lookup its deadline (r25).

It opens after ``breaker_open_seconds`` of failures without a success, and then a miss fails at
once with the cause. While it is open, or a caller waits in the boot grace, one request of the
kind that failed is tried every ``breaker_probe_seconds`` in the background, alone and once. In
the first minute after start the network may still be coming up, so a lookup with nothing cached
waits for the next probe instead of failing all containers of the boot; when one succeeds, those
that waited go out a few at a time. What a server asks by Retry-After is kept by all.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from psi.broker.breaker_hold import Hold
from psi.broker.breaker_words import away
from psi.broker.infisical.clock import Clock
from psi.broker.infisical.listing import Listing
from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.broker.infisical.retry import Draw, chance
from psi.broker.upstream import Upstream
from psi.shared.errors import PsiError
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.secret import SecretBytes

T = TypeVar("T")
Ask = Callable[[Upstream], Awaitable[T]]
_GRACE_SHARE = 0.9
"""Of a live fetch's whole time, spent on waiting in the boot grace: the rest is for saying why."""
_JITTER = 0.25
"""Of a probe's interval, either way: hosts that lost Infisical together do not ask in step."""


class Breaker:
    """An Upstream that fails fast while Infisical is away.

    ``prober`` reads as ``upstream`` does, but tries once: a probe is one request.
    """

    def __init__(
        self,
        upstream: Upstream,
        limits: Limits,
        clock: Clock,
        log: Log,
        seen_before: Callable[[], float] = lambda: 0.0,
        prober: Upstream | None = None,
        draw: Draw = chance,
    ) -> None:
        self._upstream = upstream
        self._once = prober if prober is not None else upstream
        self._seen_before = seen_before
        """When an earlier process last saw Infisical: wall time, 0 if not known."""
        self._limits = limits
        self._clock = clock
        self._log = log
        self._draw = draw
        self._hold = Hold(clock, limits.retry_after_seconds)
        self._started = clock.boot()
        self._failing_since: float | None = None
        self._last_good: float | None = None
        self._last_error: UpstreamError | None = None
        self._probe: Ask[Any] | None = None
        self._prober: asyncio.Task[None] | None = None
        self._recovered = asyncio.Event()
        self._release = asyncio.Semaphore(limits.breaker_release)

    @property
    def is_open(self) -> bool:
        """Whether requests fail without being sent."""
        since = self._failing_since
        return since is not None and (
            self._hold.left() > 0 or self._clock.boot() - since >= self._limits.breaker_open_seconds
        )

    async def list_folder(
        self, project: str, environment: str | None, path: str, *, recursive: bool
    ) -> Listing:
        """List by way of the breaker; raises UpstreamError."""

        async def ask(upstream: Upstream) -> Listing:
            return await upstream.list_folder(project, environment, path, recursive=recursive)

        return await self._through(ask)

    async def get_secret(
        self, project: str, environment: str | None, path: str, key: str
    ) -> SecretBytes:
        """Get by way of the breaker; raises UpstreamError."""

        async def ask(upstream: Upstream) -> SecretBytes:
            return await upstream.get_secret(project, environment, path, key)

        return await self._through(ask)

    async def _through(self, ask: Ask[T]) -> T:
        patience = self._clock.boot() + self._limits.miss_seconds * _GRACE_SHARE
        until = min(patience, self._started + self._limits.boot_grace_seconds)
        self._hold.check_limited()
        try:
            if not self.is_open:
                return await self._watched(ask, self._upstream)
        except UpstreamError as error:
            if not _is_outage(error) or self._clock.boot() >= until:
                raise
        while self._clock.boot() < until:
            self._ensure_probing()
            if not await self._recovers(until):
                break
            async with self._release:
                if self._failing_since is not None:
                    continue  # it went away again before this one's turn
                try:
                    return await self._watched(ask, self._upstream)
                except UpstreamError as error:
                    if not _is_outage(error):
                        raise
        self._ensure_probing()
        raise self._refusal()

    async def _watched(self, ask: Ask[T], upstream: Upstream) -> T:
        try:
            result = await ask(upstream)
        except UpstreamError as error:
            self._hold.note(error)
            if _is_outage(error):
                self._failed(error, ask)
            elif error.status is not None:
                # Without one it was refused on this host, and says nothing of Infisical.
                self._succeeded(genuine=error.kind is not Kind.FOREIGN)
            raise
        self._succeeded()
        return result

    async def _recovers(self, until: float) -> bool:
        """Wait for a probe that succeeds; tell whether one did in time."""
        try:
            async with asyncio.timeout(until - self._clock.boot()):
                await self._recovered.wait()
        except TimeoutError:
            return False
        return True

    def _failed(self, error: UpstreamError, ask: Ask[Any]) -> None:
        self._last_error = error
        self._probe = ask
        if self._failing_since is None:
            self._failing_since = self._clock.boot()
            self._recovered.clear()
            self._log.warning("infisical.away", cause=error)
        self._ensure_probing()

    def _ensure_probing(self) -> None:
        """Have a probe under way; one that a fault has ended would leave the breaker open."""
        if self._prober is None or self._prober.done():
            self._prober = asyncio.get_running_loop().create_task(self._probing())

    def _succeeded(self, *, genuine: bool = True) -> None:
        if genuine:
            self._last_good = self._clock.wall()
        if self._failing_since is not None:
            self._log.info("infisical.reachable")
        self._failing_since = None
        self._recovered.set()

    async def _probing(self) -> None:
        """Try again in the background until one request succeeds."""
        while self._failing_since is not None and self._probe is not None:
            await asyncio.sleep(self._pause())
            if self._failing_since is None:
                break
            try:
                await self._watched(self._probe, self._once)
            except PsiError as error:
                self._log.debug("infisical.probe", cause=error)

    def _pause(self) -> float:
        """Return the seconds until the next probe: chance's, or what the server asked for."""
        share = 1 - _JITTER + 2 * _JITTER * self._draw()
        return max(self._limits.breaker_probe_seconds * share, self._hold.left())

    def _refusal(self) -> UpstreamError:
        cause = self._last_error.detail if self._last_error else "no answer"
        return away(self._last_good or self._seen_before(), cause)

    async def close(self) -> None:
        """End the probing."""
        if self._prober is not None:
            self._prober.cancel()
            await asyncio.gather(self._prober, return_exceptions=True)


def _is_outage(error: UpstreamError) -> bool:
    """Whether an open breaker is for this; a refusal or a rate limit is an answer.

    So is a 500: one folder that Infisical fails at must not cost every other its lookups.
    """
    return error.kind is Kind.TRANSPORT and error.status != 500
