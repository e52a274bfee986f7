"""The one thread that talks to the device: a C call that hangs stalls nothing else (r22).

Neither TPM nor PKCS#11 calls can be cancelled. A caller stops waiting at the deadline; the call
may go on, later ones are refused at once meanwhile, and when it has run for
``device_hung_seconds`` the watchdog is no longer fed.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from psi.sealer.device_error import DeviceError
from psi.shared.limits import Limits
from psi.shared.messages.sealer import SealerError

T = TypeVar("T")


class DeviceThread:
    """Runs one job after the other.

    It is a daemon thread, so that a hung call does not keep the process from ending.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._jobs: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        self._began: float | None = None
        self.calls = 0
        Thread(target=self._run, name="device", daemon=True).start()

    def oldest_call_seconds(self) -> float:
        """Return for how long the present call has been running, 0 if none is."""
        began = self._began
        return 0.0 if began is None else self._clock() - began

    def healthy(self) -> bool:
        """Whether no call has been running so long that the device must be taken for hung."""
        return self.oldest_call_seconds() <= self._limits.device_hung_seconds

    async def call(self, job: Callable[[], T]) -> T:
        """Run a job; raises what it raises, or DeviceError (DEVICE_TIMEOUT) at the deadline."""
        seconds = self._limits.device_seconds
        if self.oldest_call_seconds() >= seconds:
            raise _timeout(seconds)
        future: Future[T] = Future()
        self._jobs.put((job, future))
        # A job that still waits in the queue is cancelled with its caller.
        waiter = asyncio.wrap_future(future)
        try:
            done, _ = await asyncio.wait({waiter}, timeout=seconds)
        finally:
            waiter.cancel()  # nothing happens to one that is done
        if not done:
            raise _timeout(seconds)
        return waiter.result()

    def _run(self) -> None:
        while True:
            job, future = self._jobs.get()
            self._run_one(job, future)
            # The result may be a key: the loop must not keep it until the next job.
            del job, future

    def _run_one(self, job: Callable[[], Any], future: "Future[Any]") -> None:
        if not future.set_running_or_notify_cancel():
            return
        self.calls += 1
        self._began = self._clock()
        try:
            result = job()
        except BaseException as error:  # noqa: BLE001  # all of it belongs to the caller
            self._began = None
            future.set_exception(error)
        else:
            self._began = None
            future.set_result(result)


def _timeout(seconds: float) -> DeviceError:
    detail = (
        f"the device did not answer within {seconds:g} s; it is tried again by itself: if it "
        "stays so, check the device and its journal"
    )
    return DeviceError(SealerError.DEVICE_TIMEOUT, detail, retry=True)
