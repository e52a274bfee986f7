"""Wait for a condition, with a deadline."""

import time
from collections.abc import Callable
from typing import Final

WAIT_SECONDS: Final = 30.0
"""Far beyond what a busy two-core machine needs; only a failure takes so long."""
_POLL_SECONDS: Final = 0.01


def wait_until(condition: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Return as soon as the condition holds; raises TimeoutError naming what did not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(_POLL_SECONDS)
