"""A device that does what a test says: away, refusing, hanging, with a boot state and a PIN."""

import threading
from collections.abc import Callable
from typing import Literal

from psi.sealer.device_error import DeviceError
from psi.sealer.slots import Pkcs11Slot, SlotBody, TpmSlot
from psi.shared.messages.sealer import SealerError, SlotKind
from psi.shared.secret import SecretBytes


class ScriptedDevice:
    """The device itself; backends come and go, this stays. It keeps keys by their slot's blob."""

    def __init__(self, kind: Literal["tpm", "pkcs11"] = "tpm") -> None:
        self.kind = kind
        self.failure: DeviceError | None = None
        """Raised by every open while set."""
        self.boot_state = b"\x01" * 32
        self.opens = 0
        self.is_open = False
        self.keys: dict[bytes, SecretBytes] = {}
        self.release = threading.Event()
        """A call hangs until it is set."""
        self.release.set()
        self.entered = threading.Event()
        self.fault: Callable[[], None] = lambda: None
        """Runs in each call on a slot, to raise what a library would."""
        self.threads: set[str] = set()

    def hang(self) -> None:
        self.entered.clear()
        self.release.clear()

    def backend(self) -> "ScriptedBackend":
        return ScriptedBackend(self)


class ScriptedBackend:
    """A TPM or a token as far as the sealer can see."""

    def __init__(self, device: ScriptedDevice) -> None:
        self.device = device
        self.kind: SlotKind = device.kind

    def open(self) -> None:
        device = self.device
        device.threads.add(threading.current_thread().name)
        assert not device.is_open
        device.opens += 1
        device.is_open = True
        device.entered.set()
        assert device.release.wait(60)
        if device.failure is not None:
            raise device.failure.again()

    def make_slot(self, kek: SecretBytes) -> SlotBody:
        self.device.fault()
        blob = f"blob {len(self.device.keys)}".encode()
        self.device.keys[blob] = kek
        if self.kind == "pkcs11":
            return Pkcs11Slot(
                mechanism="rsa-oaep-sha256",
                token_serial="1",
                key_fingerprint=b"f" * 32,
                wrapped=blob,
            )
        return _tpm_slot(blob, self.device.boot_state)

    def open_slot(self, body: SlotBody) -> SecretBytes:
        self.device.fault()
        assert isinstance(body, TpmSlot | Pkcs11Slot)
        blob = body.private if isinstance(body, TpmSlot) else body.wrapped
        key = self.device.keys.get(blob)
        if key is None:
            raise DeviceError(SealerError.OTHER_DEVICE, "not sealed by this device; recover")
        if isinstance(body, TpmSlot) and body.pcr_digest != self.device.boot_state:
            raise DeviceError(SealerError.BOOT_STATE, "the boot state changed; recover")
        return key

    def reseal(self, body: SlotBody, kek: SecretBytes, approve: bytes | None) -> SlotBody:
        assert isinstance(body, TpmSlot)
        if self.device.keys.get(body.private) != kek:
            raise DeviceError(SealerError.OTHER_DEVICE, "not sealed by this device; recover")
        state = approve if approve is not None else self.device.boot_state
        return _tpm_slot(body.private, state)

    def unwrap_foreign(self, wrapped: bytes) -> SecretBytes:
        return SecretBytes(wrapped[::-1][:32])

    def close(self) -> None:
        self.device.is_open = False


def _tpm_slot(blob: bytes, state: bytes) -> TpmSlot:
    return TpmSlot(
        mechanism="ecc-srk+pcr",
        public=b"public",
        private=blob,
        srk_name=b"srk",
        pcrs=[7],
        pcr_digest=state,
    )
