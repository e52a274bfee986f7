"""The server's clock, which tests move or stop instead of sleeping."""

import time
from datetime import UTC, datetime


class Clock:
    """Wall time plus an offset in seconds; frozen, it moves by its offset alone."""

    def __init__(self) -> None:
        self.offset = 0.0
        self._frozen_at: float | None = None

    def freeze(self, *, frozen: bool) -> None:
        """Stop the clock at the present whole second, or let it run again."""
        self._frozen_at = float(int(time.time())) if frozen else None

    @property
    def is_frozen(self) -> bool:
        """Whether the clock stands still."""
        return self._frozen_at is not None

    def now(self) -> float:
        """Return seconds since the epoch, as this server believes."""
        base = time.time() if self._frozen_at is None else self._frozen_at
        return base + self.offset

    def milliseconds(self) -> int:
        """Return the present in whole milliseconds since the epoch."""
        return int(self.now() * 1000)

    def stamp(self) -> str:
        """Return the present as Infisical writes it."""
        return stamp_of(self.milliseconds())


def stamp_of(milliseconds: int) -> str:
    """Return a time since the epoch as Infisical writes it: ISO 8601 with milliseconds and Z."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"
