"""Waits on conditions with a deadline; nothing here sleeps blindly."""

import select
import socket
import time
from collections.abc import Callable

from tests.unit.frontend.exchange import PATIENCE_SECONDS

_LOOK_SECONDS = 0.01
"""Between two looks at a condition of another process."""


def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Return when the condition holds; fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
        select.select([], [], [], _LOOK_SECONDS)


def is_silent(client: socket.socket, seconds: float) -> bool:
    """Tell whether nothing comes for so long."""
    readable, _, _ = select.select([client], [], [], seconds)
    return not readable
