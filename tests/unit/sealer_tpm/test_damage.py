"""Blobs that are damaged, and TPMs that are not the slot's: refused, each by its own name."""

import pytest
from msgspec.structs import replace

from psi.sealer.slots import TpmSlot
from psi.shared.messages.sealer import SealerError
from tests.fakes.devices.swtpm import SwTpm
from tests.unit.sealer_tpm.setting import (
    KEK,
    PCR,
    assert_nothing_left,
    backend,
    extended,
    make,
    opened,
    refused,
    reseal,
    unseal,
)

FIELDS = ["public", "private", "authority_public"]
STEP = 7
"""Between the bytes that are flipped: a full sweep takes ten seconds and finds no more."""


def flipped(slot: TpmSlot, field: str, offset: int) -> TpmSlot:
    data = bytearray(getattr(slot, field))
    data[offset] ^= 0x01
    return replace(slot, **{field: bytes(data)})


@pytest.mark.parametrize("field", FIELDS)
def test_a_flipped_bit_is_corrupt(tpm: SwTpm, field: str) -> None:
    slot = make(backend(tpm, "authorized"))
    with opened(backend(tpm, "authorized")) as device:
        for offset in range(0, len(getattr(slot, field)), STEP):
            refused(SealerError.CORRUPT, device.open_slot, flipped(slot, field, offset))
        assert device.open_slot(slot) == KEK
    assert_nothing_left(tpm)


@pytest.mark.parametrize("field", FIELDS)
def test_a_truncated_blob_is_corrupt(tpm: SwTpm, field: str) -> None:
    slot = make(backend(tpm, "authorized"))
    with opened(backend(tpm, "authorized")) as device:
        whole = getattr(slot, field)
        for length in range(1, len(whole), STEP):
            refused(SealerError.CORRUPT, device.open_slot, replace(slot, **{field: whole[:length]}))
        refused(SealerError.CORRUPT, device.open_slot, replace(slot, **{field: whole + b"\x00"}))
        assert device.open_slot(slot) == KEK


def test_a_flipped_signature_is_corrupt(tpm: SwTpm) -> None:
    slot = make(backend(tpm, "authorized"))
    signature = slot.approvals[0].signature
    with opened(backend(tpm, "authorized")) as device:
        for offset in range(0, len(signature), STEP):
            data = bytearray(signature)
            data[offset] ^= 0x01
            forged = replace(slot.approvals[0], signature=bytes(data))
            refused(SealerError.CORRUPT, device.open_slot, replace(slot, approvals=[forged]))


def test_an_approval_by_another_authority_opens_nothing(tpm: SwTpm) -> None:
    """Whoever can write the keyslot file cannot approve a boot state."""
    slot, other = make(backend(tpm, "authorized")), make(backend(tpm, "authorized"))
    other = reseal(backend(tpm, "authorized"), other, extended())
    tpm.extend(PCR)
    mixed = replace(slot, approvals=other.approvals)
    refused(SealerError.CORRUPT, unseal, backend(tpm, "authorized"), mixed)
    swapped = replace(mixed, authority_public=other.authority_public)
    refused(SealerError.CORRUPT, unseal, backend(tpm, "authorized"), swapped)


def test_a_damaged_authority_cannot_approve(tpm: SwTpm) -> None:
    slot = make(backend(tpm, "authorized"))
    for field in ("authority_private", "authority_public"):
        damaged = flipped(slot, field, 20)
        refused(SealerError.CORRUPT, reseal, backend(tpm, "authorized"), damaged, extended())
    empty = replace(slot, authority_private=b"")
    refused(SealerError.CORRUPT, reseal, backend(tpm, "authorized"), empty, extended())


def test_a_slot_of_another_tpm_is_named_so(tpm: SwTpm, other_tpm: SwTpm) -> None:
    slot = make(backend(tpm))
    error = refused(SealerError.OTHER_DEVICE, unseal, backend(other_tpm), slot)
    assert "psictl cache recover" in error.detail
    refused(SealerError.OTHER_DEVICE, reseal, backend(other_tpm, "pcr"), slot)


def test_a_cleared_tpm_is_named_so_and_takes_new_slots(tpm: SwTpm) -> None:
    slot = make(backend(tpm))
    tpm.clear()
    refused(SealerError.OTHER_DEVICE, unseal, backend(tpm), slot)
    assert unseal(backend(tpm), make(backend(tpm))) == KEK


def test_a_blob_of_another_tpm_under_this_ones_name_is_corrupt(
    tpm: SwTpm, other_tpm: SwTpm
) -> None:
    """0x9f is met for both: the name of the storage root key tells which."""
    foreign = replace(make(backend(other_tpm)), srk_name=make(backend(tpm)).srk_name)
    refused(SealerError.CORRUPT, unseal, backend(tpm), foreign)
