"""The Protocol behind which every device stands.

A backend is used on the device thread only, always as ``open``, some calls, ``close``: nothing
stays open between jobs, so a device that was reset or pulled meets a fresh connection.

Every method raises :class:`~psi.sealer.device_error.DeviceError` and nothing else: its code is
one of SealerError, its text names cause and remedy in 200 characters of ASCII, ``retry`` says
that the device was away or busy (it is opened again every ``device_retry_seconds``), ``latch``
that trying again does harm. An exception of a library that gets through is reported as
``internal`` and not retried.

The modules and classes are ``tpm.TpmBackend(options: TpmOptions)``,
``pkcs11.Pkcs11Backend(options: Pkcs11Options, pin: SecretBytes | None)`` and
``software.SoftwareBackend(folder: Path)``; ``factory.py`` imports the configured one alone.
"""

from typing import Protocol

from psi.sealer.slots import SlotBody
from psi.shared.messages.sealer import SlotKind
from psi.shared.secret import SecretBytes


class Backend(Protocol):
    """A device that wraps the 32-byte key-encryption key."""

    @property
    def kind(self) -> SlotKind:
        """The kind of slot that it makes and opens."""
        ...

    def open(self) -> None:
        """Connect and log in; a PIN is tried exactly once per call.

        Raises DEVICE_UNAVAILABLE and DEVICE_BUSY (retry), PIN_REFUSED and LOCKED_OUT (latch),
        PIN_MISSING, UNSUPPORTED.
        """
        ...

    def make_slot(self, kek: SecretBytes) -> SlotBody:
        """Wrap the key for the device and the boot state as they are now.

        Raises what :meth:`open` does, and KEY_MISSING.
        """
        ...

    def open_slot(self, body: SlotBody) -> SecretBytes:
        """Return the 32 bytes of the key.

        Raises BOOT_STATE, OTHER_DEVICE, CORRUPT: the next slot is tried then. Any other error
        ends the attempt: DEVICE_RESET, DEVICE_BUSY (retry), WRONG_AUTHORISATION, LOCKED_OUT.
        """
        ...

    def reseal(self, body: SlotBody, kek: SecretBytes, approve: bytes | None) -> SlotBody:
        """Bind a slot to the boot state as it is now, or approve the digest of one to come.

        Raises OTHER_DEVICE for a slot of another device, UNSUPPORTED where there is no boot
        state to bind to, or none can be approved.
        """
        ...

    def unwrap_foreign(self, wrapped: bytes) -> SecretBytes:
        """Unwrap a forerunner's RSA-OAEP-SHA256 block, 16 to 32 bytes; raises UNSUPPORTED."""
        ...

    def close(self) -> None:
        """Let go of everything; also called after a failed :meth:`open`. Raises nothing."""
        ...
