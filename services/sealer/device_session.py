"""A job at the device: latch, open, work, close; always on the device thread.

The device is opened for each job and closed after it, so that a reset or a pulled token is met
with a fresh connection. With ``hold: open`` that is once in the life of the process.
"""

from collections.abc import Callable
from typing import TypeVar

from psi.sealer.backends.backend import Backend
from psi.sealer.device_error import DeviceError
from psi.sealer.device_thread import DeviceThread
from psi.sealer.pin_latch import PinLatch
from psi.shared.log import Log
from psi.shared.messages.sealer import SealerError, SlotKind

T = TypeVar("T")
MakeBackend = Callable[[], Backend]
"""Loads the library and makes the backend; raises DeviceError. Called on the device thread."""


class DeviceSession:
    """The configured device, for one job at a time."""

    def __init__(
        self,
        kind: SlotKind,
        make_backend: MakeBackend,
        thread: DeviceThread,
        latch: PinLatch | None,
        log: Log,
    ) -> None:
        self.kind = kind
        self._make_backend = make_backend
        self._thread = thread
        self._latch = latch
        self._log = log
        self._backend: Backend | None = None

    async def run(self, job: Callable[[Backend], T]) -> T:
        """Run a job with the open device; raises DeviceError."""
        self._check_latch()
        return await self._thread.call(lambda: self._attempt(job))

    def _attempt(self, job: Callable[[Backend], T]) -> T:
        self._check_latch()  # again: the job before this one may have closed it
        try:
            return self._work(job)
        except DeviceError as error:
            if error.code is SealerError.PIN_REFUSED and self._latch is not None:
                self._latch.close()
            raise
        except Exception as error:
            self._log.fault("device.fault", error, backend=self.kind)
            detail = (
                f"the {self.kind} backend met an error that it does not know; the log of "
                "psi-sealer has its place: correct the cause and restart psi-sealer"
            )
            raise DeviceError(SealerError.INTERNAL, detail) from error

    def _work(self, job: Callable[[Backend], T]) -> T:
        if self._backend is None:
            self._backend = self._make_backend()
        backend = self._backend
        try:
            backend.open()
            if self._latch is not None:
                self._latch.open()
            return job(backend)
        finally:
            backend.close()

    def _check_latch(self) -> None:
        if self._latch is not None:
            self._latch.check()
