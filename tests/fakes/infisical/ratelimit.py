"""The rate limiter: off as on an ordinary self-hosted server, until a test switches it on."""

import math
from dataclasses import dataclass, field

from tests.fakes.infisical.clock import Clock

WINDOW = 60  # seconds
# Recorded defaults of an unlicensed server, requests a window.
DEFAULT_LIMITS = {"secrets": 40, "reads": 60, "writes": 200}


@dataclass(slots=True, frozen=True)
class Verdict:
    """What the limiter says of one request."""

    limit: int
    remaining: int
    reset: int
    refused: bool

    def headers(self) -> dict[str, str]:
        """Return the x-ratelimit headers, with retry-after on a refusal; all in seconds."""
        headers = {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-reset": str(self.reset),
        }
        return headers | ({"retry-after": str(self.reset)} if self.refused else {})


@dataclass(slots=True)
class RateLimiter:
    """Counts requests by route and client address in fixed windows."""

    clock: Clock
    enabled: bool = False
    limits: dict[str, int] = field(default_factory=lambda: dict(DEFAULT_LIMITS))
    _windows: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)

    def configure(self, *, enabled: bool, limits: dict[str, int]) -> None:
        """Switch limits on or off and start new windows."""
        self.enabled = enabled
        self.limits = DEFAULT_LIMITS | limits
        self._windows.clear()

    def judge(self, bucket: str | None, route: str, peer: str) -> Verdict | None:
        """Count one request; None when nothing limits it."""
        if not self.enabled or bucket is None:
            return None
        now, limit = self.clock.now(), self.limits[bucket]
        start, count = self._windows.get((route, peer), (now, 0))
        if now - start >= WINDOW:
            start, count = now, 0
        self._windows[route, peer] = start, count + 1
        reset = max(1, math.ceil(start + WINDOW - now))
        return Verdict(limit, max(0, limit - count - 1), reset, refused=count >= limit)
