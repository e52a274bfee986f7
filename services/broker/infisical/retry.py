"""When a GET is repeated: soon, seldom, and never past the patience of who asked.

Full jitter: each pause is chance's pick below a bound that doubles, so that a thousand hosts
that failed together do not come back together. What the server asks for is never undercut.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from secrets import SystemRandom
from typing import TypeVar

from psi.broker.infisical.outcome import Repeat, UpstreamError
from psi.shared.limits import Limits

T = TypeVar("T")
Draw = Callable[[], float]
"""Gives a number from 0 to 1."""
Sleep = Callable[[float], Awaitable[None]]
chance: Draw = SystemRandom().random


@dataclass(frozen=True, slots=True)
class Patience:
    """How often one GET may go out, and for how many seconds after its first a next may begin."""

    attempts: int
    seconds: float

    @classmethod
    def of_lookup(cls, limits: Limits) -> "Patience":
        """Return that of a container's start: Podman holds a host-wide lock meanwhile."""
        return cls(limits.retry_attempts, limits.retry_patience_seconds)

    @classmethod
    def of_refresh(cls, limits: Limits) -> "Patience":
        """Return that of a command: it outlasts a rate limit."""
        return cls(limits.retry_attempts, limits.refresh_patience_seconds)


ONE_TRY = Patience(1, 0)
"""A breaker's probe: one request, whatever comes of it."""


class Retry:
    """Repeats what is worth it; ``draw`` and ``sleep`` are injected for tests."""

    def __init__(self, limits: Limits, draw: Draw = chance, sleep: Sleep = asyncio.sleep) -> None:
        self._base = limits.retry_delay_seconds
        self._cap = limits.retry_cap_seconds
        self._draw = draw
        self._sleep = sleep

    async def run(self, ask: Callable[[], Awaitable[T]], patience: Patience) -> T:
        """Await ``ask`` until it succeeds; raises the last UpstreamError."""
        clock = asyncio.get_running_loop().time
        until = clock() + patience.seconds
        told: set[Repeat] = set()
        attempt = 1
        while True:
            try:
                return await ask()
            except UpstreamError as error:
                pause = self._pause(error, attempt, told)
                if attempt >= patience.attempts or pause is None or clock() + pause > until:
                    raise
                told.add(error.repeat)
            attempt += 1
            await self._sleep(pause)

    def _pause(self, error: UpstreamError, attempt: int, told: set[Repeat]) -> float | None:
        """Return how long to wait before the next attempt, None if there must be none."""
        if error.repeat is Repeat.NO or (error.repeat is Repeat.ONCE and Repeat.ONCE in told):
            return None
        if error.repeat is Repeat.AT_ONCE and Repeat.AT_ONCE not in told:
            return 0.0
        if error.retry_after is not None:
            return error.retry_after + self._draw() * self._base
        return self._draw() * min(self._cap, self._base * 2.0 ** (attempt - 1))
