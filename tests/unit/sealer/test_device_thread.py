"""One thread for the device: what hangs there stalls nothing else."""

import asyncio
import threading

import pytest

from psi.sealer.device_error import DeviceError
from psi.sealer.device_thread import DeviceThread
from psi.shared.limits import Limits
from psi.shared.messages.sealer import SealerError
from tests.unit.sealer.waiting import until


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_jobs_run_on_the_one_device_thread_and_are_counted() -> None:
    async def run() -> None:
        thread = DeviceThread(Limits())
        names = [await thread.call(lambda: threading.current_thread().name) for _ in range(3)]
        assert names == ["device"] * 3
        assert thread.calls == 3
        assert thread.oldest_call_seconds() == 0

    asyncio.run(run())


def test_what_a_job_raises_reaches_its_caller() -> None:
    async def run() -> None:
        with pytest.raises(ZeroDivisionError):
            await DeviceThread(Limits()).call(lambda: 1 // 0)

    asyncio.run(run())


def test_a_timeout_error_of_the_device_is_not_the_deadline() -> None:
    def job() -> None:
        raise TimeoutError("the device's own")

    async def run() -> None:
        with pytest.raises(TimeoutError, match="own"):
            await DeviceThread(Limits()).call(job)

    asyncio.run(run())


def test_the_caller_stops_waiting_and_the_call_goes_on() -> None:
    release, done = threading.Event(), threading.Event()

    def job() -> None:
        release.wait(60)
        done.set()

    async def run() -> None:
        thread = DeviceThread(Limits(device_seconds=0.05))
        with pytest.raises(DeviceError) as caught:
            await thread.call(job)
        assert caught.value.code is SealerError.DEVICE_TIMEOUT
        assert caught.value.retry
        release.set()
        await until(done.is_set, "the call went on")

    asyncio.run(run())


def test_while_a_call_hangs_later_ones_are_refused_at_once() -> None:
    release, clock = threading.Event(), Clock()

    async def run() -> None:
        thread = DeviceThread(Limits(device_seconds=40), clock)
        hung = asyncio.create_task(thread.call(lambda: release.wait(60)))
        await until(lambda: thread.calls == 1, "it runs")
        clock.now += 40
        with pytest.raises(DeviceError) as caught:
            await asyncio.wait_for(thread.call(lambda: None), 5)
        assert caught.value.code is SealerError.DEVICE_TIMEOUT
        release.set()
        assert await hung
        await thread.call(lambda: None)

    asyncio.run(run())


def test_the_watchdog_is_withheld_only_while_a_call_is_overdue() -> None:
    release, clock = threading.Event(), Clock()

    async def run() -> None:
        thread = DeviceThread(Limits(device_hung_seconds=60), clock)
        hung = asyncio.create_task(thread.call(lambda: release.wait(60)))
        await until(lambda: thread.calls == 1, "it runs")
        clock.now += 60
        assert thread.healthy()
        clock.now += 1
        assert not thread.healthy()
        assert thread.oldest_call_seconds() == 61
        release.set()
        await hung
        assert thread.healthy()

    asyncio.run(run())


def test_a_queued_job_whose_caller_is_gone_never_runs() -> None:
    release, ran = threading.Event(), threading.Event()

    async def run() -> None:
        thread = DeviceThread(Limits())
        first = asyncio.create_task(thread.call(lambda: release.wait(60)))
        await until(lambda: thread.calls == 1, "it runs")
        second = asyncio.create_task(thread.call(ran.set))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait({second})
        release.set()
        await first
        await thread.call(lambda: None)
        assert not ran.is_set()
        assert thread.calls == 2

    asyncio.run(run())
