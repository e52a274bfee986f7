"""The circuit breaker before Infisical: an outage must not cost every lookup its deadline (r25).

It opens after ``breaker_open_seconds`` of failures without a success, and then a miss fails at
once with the cause. While it is open, or a caller waits in the boot grace, one request of the
kind that failed is tried every ``breaker_probe_seconds`` in the background. In the first minute
after start the network may still be coming up, so a lookup with nothing cached waits for the
next probe instead of failing all containers of the boot.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from psi.broker.infisical.clock import Clock
from psi.broker.infisical.listing import Listing
from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.broker.upstream import Upstream
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.secret import SecretBytes

T = TypeVar("T")
Ask = Callable[[], Awaitable[T]]
_OUTAGE = frozenset({Kind.TRANSPORT})
"""What an open breaker is for; a refusal or a rate limit is an answer."""


class Breaker:
    """An Upstream that fails fast while Infisical is away."""

    def __init__(self, upstream: Upstream, limits: Limits, clock: Clock, log: Log) -> None:
        self._upstream = upstream
        self._limits = limits
        self._clock = clock
        self._log = log
        self._started = clock.boot()
        self._failing_since: float | None = None
        self._last_good: float | None = None
        self._last_error: UpstreamError | None = None
        self._probe: Ask[Any] | None = None
        self._prober: asyncio.Task[None] | None = None
        self._recovered = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether requests fail without being sent."""
        since = self._failing_since
        return since is not None and self._clock.boot() - since >= self._limits.breaker_open_seconds

    async def list_folder(
        self, project: str, environment: str | None, path: str, *, recursive: bool
    ) -> Listing:
        """List by way of the breaker; raises UpstreamError."""

        async def ask() -> Listing:
            return await self._upstream.list_folder(project, environment, path, recursive=recursive)

        return await self._through(ask)

    async def get_secret(
        self, project: str, environment: str | None, path: str, key: str
    ) -> SecretBytes:
        """Get by way of the breaker; raises UpstreamError."""

        async def ask() -> SecretBytes:
            return await self._upstream.get_secret(project, environment, path, key)

        return await self._through(ask)

    async def _through(self, ask: Ask[T]) -> T:
        if self.is_open and not self._in_boot_grace():
            raise self._refusal()
        while True:
            try:
                if not self.is_open:
                    return await self._watched(ask)
            except UpstreamError as error:
                if error.kind not in _OUTAGE or not self._in_boot_grace():
                    raise
            if not self._in_boot_grace():
                raise self._refusal()
            await self._next_recovery()

    async def _watched(self, ask: Ask[T]) -> T:
        try:
            result = await ask()
        except UpstreamError as error:
            if error.kind in _OUTAGE:
                self._failed(error, ask)
            else:
                self._succeeded()
            raise
        self._succeeded()
        return result

    async def _next_recovery(self) -> None:
        """Wait for a probe that succeeds, or for the end of the boot grace."""
        left = self._started + self._limits.boot_grace_seconds - self._clock.boot()
        try:
            async with asyncio.timeout(max(0.0, left)):
                await self._recovered.wait()
        except TimeoutError:
            return

    def _in_boot_grace(self) -> bool:
        return self._clock.boot() - self._started < self._limits.boot_grace_seconds

    def _failed(self, error: UpstreamError, ask: Ask[Any]) -> None:
        self._last_error = error
        self._probe = ask
        if self._failing_since is None:
            self._failing_since = self._clock.boot()
            self._recovered.clear()
        if self._prober is None:
            self._prober = asyncio.get_running_loop().create_task(self._probing())

    def _succeeded(self) -> None:
        self._last_good = self._clock.wall()
        if self._failing_since is not None:
            self._log.info("infisical.reachable")
        self._failing_since = None
        self._recovered.set()

    async def _probing(self) -> None:
        """Try again in the background until one request succeeds."""
        while self._failing_since is not None and self._probe is not None:
            await asyncio.sleep(self._limits.breaker_probe_seconds)
            if self._failing_since is None:
                break
            try:
                await self._watched(self._probe)
            except UpstreamError as error:
                self._log.debug("infisical.probe", cause=error)
        self._prober = None
        self._probe = None

    def _refusal(self) -> UpstreamError:
        cause = self._last_error.detail if self._last_error else "no answer"
        if self._last_good is None:
            seen = "never seen since the broker's start"
        else:
            seen = f"last seen {self._clock.wall() - self._last_good:.0f} s ago"
        return UpstreamError(Kind.TRANSPORT, f"Infisical is away, {seen}: {cause}")

    async def close(self) -> None:
        """End the probing."""
        if self._prober is not None:
            self._prober.cancel()
            await asyncio.gather(self._prober, return_exceptions=True)
