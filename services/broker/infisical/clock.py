"""The two clocks that a token's life is counted on, injected so that tests need not sleep."""

import time
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def boot(self) -> float:
        """Return seconds since boot, suspend included (clock_gettime(2), CLOCK_BOOTTIME)."""
        ...

    def wall(self) -> float:
        """Return seconds since the epoch; it may jump."""
        ...


class SystemClock:
    """The host's clocks."""

    def boot(self) -> float:
        """Return CLOCK_BOOTTIME: a suspended host must not prolong a token."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def wall(self) -> float:
        """Return CLOCK_REALTIME."""
        return time.time()
