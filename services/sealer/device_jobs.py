"""The jobs that the sealer gives to a device; each runs whole on the device thread."""

from psi.sealer.backends.backend import Backend
from psi.sealer.device_error import DeviceError
from psi.sealer.slots import KEK_BYTES, Keyslot, SlotBody
from psi.shared.messages.sealer import SealerError
from psi.shared.secret import SecretBytes

_NEXT_SLOT = (SealerError.OTHER_DEVICE, SealerError.CORRUPT, SealerError.BOOT_STATE)
"""Failures of one slot, after which the next is tried; the later is the more telling."""


def open_any(backend: Backend, slots: tuple[Keyslot, ...]) -> tuple[SecretBytes, int]:
    """Return the key-encryption key and the number of the slot that gave it.

    Raises the DeviceError of the slot that came nearest.
    """
    failures: list[DeviceError] = []
    for slot in slots:
        if slot.kind != backend.kind:
            continue
        try:
            return _open_slot(backend, slot.body), slot.number
        except DeviceError as error:
            if error.code not in _NEXT_SLOT:
                raise
            failures.append(error)
    raise _nearest(failures, backend)


def make_checked(backend: Backend, kek: SecretBytes) -> SlotBody:
    """Make a slot and open it: one that does not open is never written."""
    body = backend.make_slot(kek)
    _check_opens(backend, body, kek)
    return body


def reseal_all(
    backend: Backend, slots: tuple[Keyslot, ...], kek: SecretBytes, approve: bytes | None
) -> dict[int, SlotBody]:
    """Reseal each slot of this device and return the new ones; raises where there is none."""
    failures: list[DeviceError] = []
    resealed: dict[int, SlotBody] = {}
    for slot in slots:
        if slot.kind != backend.kind:
            continue
        try:
            body = backend.reseal(slot.body, kek, approve)
        except DeviceError as error:
            if error.code not in _NEXT_SLOT:
                raise
            failures.append(error)
            continue
        if approve is None:
            _check_opens(backend, body, kek)
        resealed[slot.number] = body
    if not resealed:
        raise _nearest(failures, backend)
    return resealed


def unwrap_foreign(backend: Backend, wrapped: bytes) -> SecretBytes:
    """Return a forerunner's AES key; raises DeviceError (CORRUPT) where it cannot be one."""
    key = backend.unwrap_foreign(wrapped)
    if not 16 <= len(key) <= 32:
        detail = f"the blob holds {len(key)} bytes, no AES key: it is not the forerunner's"
        raise DeviceError(SealerError.CORRUPT, detail)
    return key


def _open_slot(backend: Backend, body: SlotBody) -> SecretBytes:
    kek = backend.open_slot(body)
    if len(kek) != KEK_BYTES:
        detail = f"the device gave {len(kek)} bytes for a key of 32: the slot is not PSI's; recover"
        raise DeviceError(SealerError.CORRUPT, detail)
    return kek


def _check_opens(backend: Backend, body: SlotBody, kek: SecretBytes) -> None:
    if _open_slot(backend, body) != kek:
        detail = "the device gave another key back than it was given; nothing was changed"
        raise DeviceError(SealerError.INTERNAL, f"{detail}: check the device")


def _nearest(failures: list[DeviceError], backend: Backend) -> DeviceError:
    if failures:
        return max(failures, key=lambda error: _NEXT_SLOT.index(error.code))
    detail = (
        f"no keyslot is of the configured backend ({backend.kind}): set cache.backend back and "
        "run psictl apply, or run psictl cache recover"
    )
    return DeviceError(SealerError.OTHER_DEVICE, detail)
