"""The boot state changes: refused, resealed, or approved before it comes."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from msgspec.structs import replace

from psi.sealer.backends.tpm_approvals import MAX_APPROVALS
from psi.sealer.backends.tpm_authority import Authority
from psi.sealer.backends.tpm_policy import approval_digest
from psi.shared.messages.sealer import SealerError
from psi.shared.secret import SecretBytes
from tests.fakes.devices.swtpm import SwTpm
from tests.fakes.devices.tpm_proxy import UNSEAL, TpmProxy, extend_command
from tests.unit.sealer_tpm.setting import (
    KEK,
    PCR,
    Policy,
    assert_nothing_left,
    backend,
    extended,
    make,
    opened,
    refused,
    reseal,
    unseal,
)

BOUND: list[Policy] = ["pcr", "authorized"]


def test_without_a_policy_the_boot_state_does_not_matter(tpm: SwTpm) -> None:
    slot = make(backend(tpm))
    tpm.extend(PCR)
    assert unseal(backend(tpm), slot) == KEK


@pytest.mark.parametrize("policy", BOUND)
def test_another_pcr_does_not_matter(tpm: SwTpm, policy: Policy) -> None:
    slot = make(backend(tpm, policy))
    tpm.extend(PCR + 1)
    assert unseal(backend(tpm, policy), slot) == KEK


@pytest.mark.parametrize("policy", BOUND)
def test_a_changed_boot_state_is_refused_with_a_remedy(tpm: SwTpm, policy: Policy) -> None:
    slot = make(backend(tpm, policy))
    tpm.extend(PCR)
    error = refused(SealerError.BOOT_STATE, unseal, backend(tpm, policy), slot)
    assert "PCR 7" in error.detail
    assert "psictl cache reseal" in error.detail
    assert not error.retry
    assert not error.latch
    assert_nothing_left(tpm)


@pytest.mark.parametrize("policy", BOUND)
def test_reseal_binds_to_the_present_state(tpm: SwTpm, policy: Policy) -> None:
    slot = make(backend(tpm, policy))
    tpm.extend(PCR)
    resealed = reseal(backend(tpm, policy), slot)
    assert unseal(backend(tpm, policy), resealed) == KEK


def test_reseal_of_a_pcr_slot_gives_up_the_old_state(tpm: SwTpm) -> None:
    slot = make(backend(tpm, "pcr"))
    tpm.extend(PCR)
    resealed = reseal(backend(tpm, "pcr"), slot)
    tpm.restart()
    assert unseal(backend(tpm, "pcr"), slot) == KEK
    refused(SealerError.BOOT_STATE, unseal, backend(tpm, "pcr"), resealed)


def test_an_approved_update_opens_the_same_blob(tpm: SwTpm) -> None:
    slot = make(backend(tpm, "authorized"))
    approved = reseal(backend(tpm, "authorized"), slot, extended())
    assert (approved.public, approved.private) == (slot.public, slot.private)
    tpm.extend(PCR)
    assert unseal(backend(tpm, "authorized"), approved) == KEK
    refused(SealerError.BOOT_STATE, unseal, backend(tpm, "authorized"), slot)


def test_approving_ahead_keeps_the_present_state(tpm: SwTpm) -> None:
    approved = reseal(backend(tpm, "authorized"), make(backend(tpm, "authorized")), extended())
    assert unseal(backend(tpm, "authorized"), approved) == KEK


def test_another_state_than_the_approved_one_is_refused(tpm: SwTpm) -> None:
    approved = reseal(backend(tpm, "authorized"), make(backend(tpm, "authorized")), extended())
    tpm.extend(PCR, b"\x09" * 32)
    refused(SealerError.BOOT_STATE, unseal, backend(tpm, "authorized"), approved)


def test_approvals_are_bounded_and_the_present_state_stays(tpm: SwTpm) -> None:
    slot = make(backend(tpm, "authorized"))
    with opened(backend(tpm, "authorized")) as device:
        for number in range(MAX_APPROVALS + 3):
            slot = device.reseal(slot, KEK, bytes([number]) * 32)
        assert device.open_slot(slot) == KEK
    assert len(slot.approvals) == MAX_APPROVALS
    assert slot.approvals[-1].pcr_digest == bytes([MAX_APPROVALS + 2]) * 32


def test_approving_twice_keeps_one_approval(tpm: SwTpm) -> None:
    slot = make(backend(tpm, "authorized"))
    again = reseal(backend(tpm, "authorized"), slot)
    assert [one.pcr_digest for one in again.approvals] == [slot.pcr_digest]


@pytest.mark.parametrize("policy", ["none", "pcr"])
def test_only_an_authorized_slot_can_be_approved_ahead(tpm: SwTpm, policy: Policy) -> None:
    slot = make(backend(tpm, policy))
    error = refused(SealerError.UNSUPPORTED, reseal, backend(tpm, policy), slot, extended())
    assert "sealer.tpm.policy" in error.detail


@pytest.mark.parametrize("coordinate", ["x", "y"])
def test_an_authority_whose_point_begins_with_zeros_can_approve(
    tpm: SwTpm, coordinate: str
) -> None:
    """One key in 128: a TPM wants all 32 bytes of a coordinate."""
    key = generate_private_key(SECP256R1())
    while getattr(key.public_key().public_numbers(), coordinate) >> 248:
        key = generate_private_key(SECP256R1())
    authority = Authority(key)
    with opened(backend(tpm, "authorized")) as device:
        device._session.verify(
            authority.public, approval_digest(KEK.reveal()), authority.approve(KEK.reveal())
        )


def test_an_approval_needs_the_key(tpm: SwTpm) -> None:
    slot = make(backend(tpm, "authorized"))
    with opened(backend(tpm, "authorized")) as device:
        refused(SealerError.CORRUPT, device.reseal, slot, SecretBytes(bytes(32)), extended())


@pytest.mark.parametrize("before", ["none", "pcr", "authorized"])
@pytest.mark.parametrize("after", ["pcr", "authorized"])
def test_reseal_takes_over_a_changed_policy(tpm: SwTpm, before: Policy, after: Policy) -> None:
    slot = make(backend(tpm, before))
    resealed = reseal(backend(tpm, after, pcrs=(0, PCR)), slot)
    assert resealed.pcrs == [0, PCR]
    assert unseal(backend(tpm, after), resealed) == KEK


@pytest.mark.parametrize("policy", BOUND)
def test_a_pcr_extended_in_the_middle_is_met_by_one_retry(
    tpm: SwTpm, proxy: TpmProxy, policy: Policy
) -> None:
    slot = make(backend(tpm, policy, pcrs=(PCR,)))

    def measure_elsewhere(send: object) -> None:
        assert callable(send)
        send(extend_command(PCR + 1))
        proxy.before.clear()

    proxy.before[UNSEAL] = measure_elsewhere
    assert unseal(backend(proxy.tcti, policy), slot) == KEK
    assert proxy.commands.count(UNSEAL) == 2
    assert_nothing_left(tpm)


def test_a_pcr_that_is_extended_again_and_again_is_a_boot_state(
    tpm: SwTpm, proxy: TpmProxy
) -> None:
    slot = make(backend(tpm, "pcr"))

    def measure_elsewhere(send: object) -> None:
        assert callable(send)
        send(extend_command(PCR + 1))

    proxy.before[UNSEAL] = measure_elsewhere
    refused(SealerError.BOOT_STATE, unseal, backend(proxy.tcti, "pcr"), slot)
    assert proxy.commands.count(UNSEAL) == 2
    assert_nothing_left(tpm)


def test_a_state_that_changes_at_the_last_moment_is_refused_by_the_tpm(
    tpm: SwTpm, proxy: TpmProxy
) -> None:
    slot = make(backend(tpm, "pcr"))

    def measure(send: object) -> None:
        assert callable(send)
        send(extend_command(PCR))

    proxy.before[UNSEAL] = measure
    refused(SealerError.BOOT_STATE, unseal, backend(proxy.tcti, "pcr"), slot)


@pytest.mark.parametrize("policy", BOUND)
def test_a_forged_digest_in_the_slot_opens_nothing(tpm: SwTpm, policy: Policy) -> None:
    """The TPM decides: the digest in the slot only spares it a vain attempt."""
    slot = make(backend(tpm, policy))
    tpm.extend(PCR)
    forged = replace(slot, pcr_digest=extended())
    if policy == "authorized":
        approval = replace(slot.approvals[0], pcr_digest=extended())
        forged = replace(forged, approvals=[approval])
    refused(SealerError.CORRUPT, unseal, backend(tpm, policy), forged)


def test_a_tpm_without_the_sha256_bank_is_unsupported(tpm: SwTpm) -> None:
    tpm.tool("tpm2_pcrallocate", "sha1:all+sha256:none+sha384:all+sha512:none")
    tpm.restart()
    error = refused(SealerError.UNSUPPORTED, make, backend(tpm, "pcr"))
    assert "SHA-256 bank" in error.detail
