"""The boot states that a slot's authority has approved: a short list of signatures in the slot."""

from typing import Final

import msgspec
from tpm2_pytss import TPM2B_PUBLIC

from psi.sealer.backends.tpm_authority import Authority
from psi.sealer.backends.tpm_errors import explained_blob
from psi.sealer.backends.tpm_policy import pcr_policy
from psi.sealer.backends.tpm_session import unmarshal
from psi.sealer.slots import TpmApproval, TpmSlot
from psi.shared.secret import SecretBytes

MAX_APPROVALS: Final = 8
"""The newest stay: the present state, the one before an update, and a few that may come."""


def approve_state(slot: TpmSlot, kek: SecretBytes, digest: bytes) -> TpmSlot:
    """Return the slot with one more state approved: SHA-256 over the values of its PCRs.

    The present state's approval goes last of all. Raises DeviceError (CORRUPT).
    """
    authority = Authority.open(slot.authority_public, slot.authority_private, kek)
    signature = authority.approve(pcr_policy(slot.pcrs, digest))
    kept = [old for old in slot.approvals if old.pcr_digest != digest]
    kept.sort(key=lambda old: old.pcr_digest == slot.pcr_digest)
    newest = [*kept[1 - MAX_APPROVALS :], TpmApproval(pcr_digest=digest, signature=signature)]
    return msgspec.structs.replace(slot, approvals=newest)


def approval_of(slot: TpmSlot, digest: bytes) -> TpmApproval | None:
    """Return the approval of a boot state, where there is one."""
    return next((one for one in slot.approvals if one.pcr_digest == digest), None)


def authority_name(authority_public: bytes) -> bytes:
    """Return the name by which a policy knows the authority; raises DeviceError (CORRUPT)."""
    with explained_blob():
        return bytes(unmarshal(TPM2B_PUBLIC, authority_public).get_name())
