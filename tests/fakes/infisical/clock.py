"""The server's clock, which tests move instead of sleeping."""

import time
from datetime import UTC, datetime


class Clock:
    """Wall time plus an offset in seconds that the control API sets."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """Return seconds since the epoch, as this server believes."""
        return time.time() + self.offset

    def stamp(self) -> str:
        """Return the present as Infisical writes it: ISO 8601 with milliseconds and Z."""
        moment = datetime.fromtimestamp(self.now(), UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
