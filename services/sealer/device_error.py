"""What a device, a slot or the keyslot file can do wrong, with what the sealer does about it."""

from psi.shared.errors import Refusal
from psi.shared.messages.sealer import SealerError


class DeviceError(Refusal):
    """A failure with its code; the detail names cause and remedy in at most 200 characters.

    ``retry``: the device was away or busy; opening it again later may succeed by itself.
    ``latch``: trying again does harm (a PIN counter, a lockout); nothing is tried by itself
    until the service is restarted, and a refused PIN not even then (r14).
    """

    code: SealerError

    def __init__(
        self, code: SealerError, detail: str, *, retry: bool = False, latch: bool = False
    ) -> None:
        super().__init__(code, detail)
        self.retry = retry
        self.latch = latch

    def again(self) -> "DeviceError":
        """Return the same failure without the frames that it came through: they hold keys."""
        return DeviceError(self.code, self.detail, retry=self.retry, latch=self.latch)
