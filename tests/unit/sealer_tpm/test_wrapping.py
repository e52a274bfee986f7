"""A key is wrapped by a TPM and opened again, and only ciphertext leaves the process."""

import pytest
from tpm2_pytss import TPM2B_PUBLIC, TPMA_OBJECT

from psi.shared.messages.sealer import SealerError
from psi.shared.secret import SecretBytes
from tests.fakes.devices.swtpm import SwTpm
from tests.fakes.devices.tpm_proxy import UNSEAL, TpmProxy
from tests.unit.sealer_tpm.setting import (
    KEK,
    Policy,
    assert_nothing_left,
    backend,
    make,
    opened,
    refused,
    reseal,
    unseal,
)

POLICIES: list[Policy] = ["none", "pcr", "authorized"]
MECHANISMS = {"none": "ecc-srk", "pcr": "ecc-srk+pcr", "authorized": "ecc-srk+pcr-authorized"}


@pytest.mark.parametrize("policy", POLICIES)
def test_a_slot_opens_and_nothing_stays_loaded(tpm: SwTpm, policy: Policy) -> None:
    slot = make(backend(tpm, policy))
    assert slot.mechanism == MECHANISMS[policy]
    assert unseal(backend(tpm, policy), slot) == KEK
    assert_nothing_left(tpm)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_slot_opens_after_the_host_was_off(tpm: SwTpm, policy: Policy) -> None:
    slot = make(backend(tpm, policy))
    tpm.restart()
    assert unseal(backend(tpm, policy), slot) == KEK


@pytest.mark.parametrize("policy", POLICIES)
def test_a_session_makes_and_opens_several_slots(tpm: SwTpm, policy: Policy) -> None:
    with opened(backend(tpm, policy)) as device:
        other = SecretBytes(bytes(32))
        slots = [device.make_slot(KEK), device.make_slot(other)]
        assert [device.open_slot(slot) for slot in slots] == [KEK, other]


@pytest.mark.parametrize("policy", POLICIES)
def test_the_slot_does_not_hold_the_key(tpm: SwTpm, policy: Policy) -> None:
    slot = make(backend(tpm, policy))
    assert KEK.reveal() not in slot.private + slot.public + slot.authority_private


@pytest.mark.parametrize("policy", POLICIES)
def test_the_key_does_not_cross_to_the_tpm_in_the_clear(
    tpm: SwTpm, proxy: TpmProxy, policy: Policy
) -> None:
    slot = make(backend(proxy.tcti, policy))
    assert unseal(backend(proxy.tcti, policy), slot) == KEK
    assert proxy.commands.count(UNSEAL) == 1
    assert KEK.reveal() not in proxy.traffic
    assert_nothing_left(tpm)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_sealed_object_cannot_be_moved_and_needs_its_policy(tpm: SwTpm, policy: Policy) -> None:
    public, _ = TPM2B_PUBLIC.unmarshal(make(backend(tpm, policy)).public)
    attributes = public.publicArea.objectAttributes
    assert attributes & TPMA_OBJECT.FIXEDTPM
    assert attributes & TPMA_OBJECT.FIXEDPARENT
    assert bool(attributes & TPMA_OBJECT.USERWITHAUTH) == (policy == "none")
    assert len(bytes(public.publicArea.authPolicy)) == (0 if policy == "none" else 32)


@pytest.mark.parametrize("policy", ["pcr", "authorized"])
def test_all_24_pcrs_can_be_bound(tpm: SwTpm, policy: Policy) -> None:
    device = backend(tpm, policy, pcrs=tuple(range(24)))
    slot = make(device)
    assert unseal(device, slot) == KEK
    tpm.extend(23)
    refused(SealerError.BOOT_STATE, unseal, device, slot)


def test_pcrs_are_kept_sorted_and_once(tpm: SwTpm) -> None:
    slot = make(backend(tpm, "pcr", pcrs=(7, 0, 7)))
    assert slot.pcrs == [0, 7]


@pytest.mark.parametrize("policy", ["pcr", "authorized"])
def test_a_policy_without_pcrs_is_refused(tpm: SwTpm, policy: Policy) -> None:
    error = refused(SealerError.UNSUPPORTED, make, backend(tpm, policy, pcrs=()))
    assert "sealer.tpm.pcrs" in error.detail


def test_a_slot_without_a_policy_needs_no_reseal(tpm: SwTpm) -> None:
    slot = make(backend(tpm))
    refused(SealerError.UNSUPPORTED, reseal, backend(tpm), slot)


def test_foreign_blobs_are_refused(tpm: SwTpm) -> None:
    with opened(backend(tpm)) as device:
        refused(SealerError.UNSUPPORTED, device.unwrap_foreign, bytes(256))
