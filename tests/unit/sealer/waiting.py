"""Waits for a condition, with a deadline instead of a guess."""

import asyncio
from collections.abc import Callable

_SECONDS = 20


async def until(condition: Callable[[], bool], what: str) -> None:
    """Return as soon as the condition holds; raises AssertionError at the deadline."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _SECONDS
    while True:
        if condition():
            return
        assert loop.time() < deadline, what
        await asyncio.sleep(0.001)
