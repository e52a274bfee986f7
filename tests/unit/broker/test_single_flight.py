"""Many askers, one answer."""

import asyncio

import pytest

from psi.broker.single_flight import SingleFlight
from psi.shared.errors import Temporary
from tests.unit.broker.waiting import run


class Counter:
    """Counts its starts; each waits for the gate."""

    def __init__(self, error: Exception | None = None) -> None:
        self.starts = 0
        self.started = asyncio.Event()
        self.gate = asyncio.Event()
        self.error = error

    async def __call__(self) -> int:
        self.starts += 1
        self.started.set()
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return self.starts


async def _asked(flight: SingleFlight[int], counter: Counter, many: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(flight.do("key", counter)) for _ in range(many)]
    await counter.started.wait()
    return tasks


def test_fifty_askers_start_one() -> None:
    async def scene() -> None:
        flight, counter = SingleFlight[int](), Counter()
        tasks = await _asked(flight, counter, 50)
        counter.gate.set()
        assert await asyncio.gather(*tasks) == [1] * 50

    run(scene())


def test_another_key_starts_another() -> None:
    async def scene() -> None:
        flight, counter = SingleFlight[int](), Counter()
        counter.gate.set()
        await asyncio.gather(flight.do("a", counter), flight.do("b", counter))
        assert counter.starts == 2

    run(scene())


def test_after_the_landing_the_next_starts_anew() -> None:
    async def scene() -> None:
        flight, counter = SingleFlight[int](), Counter()
        counter.gate.set()
        assert [await flight.do("key", counter) for _ in range(3)] == [1, 2, 3]

    run(scene())


def test_a_failure_reaches_every_asker_and_is_not_kept() -> None:
    async def scene() -> None:
        flight, counter = SingleFlight[int](), Counter(Temporary("down"))
        tasks = await _asked(flight, counter, 5)
        counter.gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, Temporary) for result in results)
        counter.error = None
        assert await flight.do("key", counter) == 2

    run(scene())


def test_an_asker_that_gives_up_does_not_end_it_for_the_others() -> None:
    async def scene() -> None:
        flight, counter = SingleFlight[int](), Counter()
        first, second = await _asked(flight, counter, 2)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        counter.gate.set()
        assert await second == 1

    run(scene())


def test_a_flight_that_everybody_left_goes_on_and_is_joined() -> None:
    async def scene() -> None:
        flight, counter = SingleFlight[int](), Counter()
        (first,) = await _asked(flight, counter, 1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        later = asyncio.create_task(flight.do("key", counter))
        counter.gate.set()
        assert await later == 1

    run(scene())


def test_close_ends_what_is_in_flight() -> None:
    async def scene() -> None:
        flight, counter = SingleFlight[int](), Counter()
        tasks = await _asked(flight, counter, 3)
        await flight.close()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)

    run(scene())
