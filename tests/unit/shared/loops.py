"""Runs a scenario on a loop of either kind, within a deadline, and tells what the loop met."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, Any]], Any]

SCENARIO_SECONDS = 20
"""Far above what any scenario takes: one that reaches it hangs."""
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


@contextmanager
def runner(kind: str) -> Iterator[Run]:
    """Give a function that runs one scenario; no callback of the loop may have failed at the end.

    Services set a handler that logs such faults, so that without this they would go unseen.
    """
    faults: list[dict[str, Any]] = []
    with asyncio.Runner(loop_factory=LOOPS[kind]) as loop_runner:
        loop_runner.get_loop().set_exception_handler(lambda _, fault: faults.append(fault))

        def run(scenario: Coroutine[Any, Any, T]) -> T:
            return loop_runner.run(asyncio.wait_for(scenario, SCENARIO_SECONDS))

        yield run
    assert not faults, faults


async def until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds; the scenario's deadline ends a wait for one that never does."""
    while not condition():  # noqa: ASYNC110  # it is any state, not an event of the loop
        await asyncio.sleep(0.001)
