"""Holds the key-encryption key, or knows why not; stays up whatever the device does.

``hold: open`` asks the device once and keeps the key; ``per-operation`` asks for each request
and keeps nothing. A device that was away is tried again by itself every
``device_retry_seconds``; after a failure that trying does not cure, or would make worse, only
a control request or a restart tries.
"""

import asyncio
from functools import partial
from typing import Literal

from psi.sealer.device_error import DeviceError
from psi.sealer.device_jobs import open_any
from psi.sealer.device_session import DeviceSession
from psi.sealer.keys import Keys, derive_keys
from psi.sealer.keyslot_file import KeyslotFile
from psi.sealer.keyslot_store import KeyslotStore
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.sealer import SealerError, SealerState
from psi.shared.secret import SecretBytes

Hold = Literal["open", "per-operation"]


class KeyHolder:
    """The key, the keyslot file that it is of, and the last failure."""

    def __init__(
        self,
        store: KeyslotStore,
        session: DeviceSession,
        host_secret: SecretBytes,
        hold: Hold,
        limits: Limits,
        log: Log,
    ) -> None:
        self.hold = hold
        self.file: KeyslotFile | None = None
        self.failure: DeviceError | None = None
        self.opened_by: int | None = None
        self._store = store
        self._session = session
        self._host_secret = host_secret
        self._limits = limits
        self._log = log
        self._keys: Keys | None = None
        self._opening: asyncio.Task[Keys] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def state(self) -> SealerState:
        """As SealerStatus tells it."""
        if self.failure is not None:
            return "degraded"
        if self.file is None:
            return "unprovisioned"
        return "closed" if self._keys is None else "open"

    async def start(self) -> None:
        """Read the keyslot file and begin to open the key; does not wait for the device."""
        await self._load()
        if self.file is not None:
            self._begin()

    async def keys(self, *, insist: bool = False) -> Keys:
        """Return the open key; raises DeviceError.

        With ``insist`` a degraded sealer tries again now, unless trying does harm.
        """
        if self._keys is not None:
            return self._keys
        if insist:
            await self.reread()
        known = self.failure
        if known is not None and (known.latch or (self.hold == "open" and not insist)):
            raise known.again()
        return await asyncio.shield(self._begin())

    def require_file(self) -> KeyslotFile:
        """Return the keyslot file; raises DeviceError: why it is damaged, or UNPROVISIONED."""
        if self.file is not None:
            return self.file
        if self.failure is not None:
            raise self.failure.again()
        detail = "no keyslot file: run psictl cache init, which makes the key"
        raise DeviceError(SealerError.UNPROVISIONED, detail)

    async def reread(self) -> KeyslotFile:
        """Return the keyslot file, read now if there was none: one may have been restored."""
        if self.file is None:
            await self._load()
        return self.require_file()

    def derive(self, kek: SecretBytes) -> Keys:
        """Return what follows from a key-encryption key on this host."""
        return derive_keys(kek, self._host_secret)

    def adopt(self, file: KeyslotFile, keys: Keys, opened_by: int | None) -> None:
        """Take over what a control request has written."""
        self.file, self.opened_by = file, opened_by
        self._opened(keys)

    def close(self) -> None:
        """Forget the key and try no more."""
        self._keys = None
        self._stop_timer()
        if self._opening is not None:
            self._opening.cancel()

    async def _load(self) -> None:
        try:
            self.file = await asyncio.to_thread(self._store.load)
            self.failure = None
        except DeviceError as error:
            self._failed(error)

    def _begin(self) -> "asyncio.Task[Keys]":
        """Return the attempt that is under way, or start one: all who wait share it."""
        if self._opening is None:
            self._stop_timer()
            self._opening = asyncio.get_running_loop().create_task(self._open())
            self._opening.add_done_callback(self._attempted)
        return self._opening

    def _attempted(self, task: "asyncio.Task[Keys]") -> None:
        self._opening = None  # its result is the key, which must not outlive the request
        if not task.cancelled():
            task.exception()  # seen: it is kept as the failure, even where nobody waits

    async def _open(self) -> Keys:
        while True:
            file = self.require_file()
            try:
                kek, number = await self._session.run(partial(open_any, slots=file.slots))
                keys = self.derive(kek)
                file.verify(keys)
            except DeviceError as error:
                if self.file is file:
                    self._failed(error)
                    raise
            else:
                if self.file is file:
                    self.opened_by = number
                    self._opened(keys)
                    return keys
            # A control request wrote another file meanwhile, and may have brought its key.
            if self._keys is not None:
                return self._keys

    def _opened(self, keys: Keys) -> None:
        news = self.failure is not None or (self.hold == "open" and self._keys is None)
        write = self._log.info if news else self._log.debug
        write("key.opened", slot=self.opened_by, hold=self.hold)
        self.failure = None
        self._keys = keys if self.hold == "open" else None
        self._stop_timer()

    def _failed(self, error: DeviceError) -> None:
        if self.failure is None or self.failure.code != error.code:
            self._log.warning("key.unavailable", code=error.code, detail=error.detail)
        self.failure = error.again()
        if error.retry:
            self._stop_timer()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._limits.device_retry_seconds, self._begin)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
