"""Many askers of one thing: one asks, all get the answer."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs one task per key at a time; an asker that gives up does not end it for the others."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, asyncio.Task[T]] = {}

    async def do(self, key: Hashable, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await the task of this key, started if there is none; its exception reaches all."""
        task = self._flights.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(start())
            self._flights[key] = task
            task.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(task)

    def _landed(self, key: Hashable, task: asyncio.Task[T]) -> None:
        del self._flights[key]
        if not task.cancelled():
            task.exception()  # seen, even when every asker has given up

    async def close(self) -> None:
        """End all flights."""
        tasks = tuple(self._flights.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
