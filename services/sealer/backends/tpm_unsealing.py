"""Unsealing what is bound to a boot state, in a policy session that proves it."""

from collections.abc import Callable

from tpm2_pytss import ESYS_TR, TPM2B_PUBLIC, TSS2_Exception

from psi.sealer.backends.tpm_approvals import approval_of, authority_name
from psi.sealer.backends.tpm_errors import (
    PCR_CHANGED,
    boot_state,
    corrupt,
    explained,
    explained_blob,
    number_of,
)
from psi.sealer.backends.tpm_policy import (
    POLICY_REF,
    approval_digest,
    authorize_policy,
    pcr_policy,
    read_digest,
    selection,
)
from psi.sealer.backends.tpm_session import TpmSession, unmarshal
from psi.sealer.slots import TpmSlot
from psi.shared.secret import SecretBytes

_Prove = Callable[[ESYS_TR], None]


def unseal_by_policy(session: TpmSession, slot: TpmSlot, handle: ESYS_TR) -> SecretBytes:
    """Return the key of a loaded object; raises DeviceError: BOOT_STATE, CORRUPT and others."""
    with explained():
        try:
            return _unseal(session, slot, handle)
        except TSS2_Exception as error:
            if number_of(error) != PCR_CHANGED:
                raise
        # A PCR was extended between policy and use (0x128): once again, with a new session.
        return _unseal(session, slot, handle)


def _unseal(session: TpmSession, slot: TpmSlot, handle: ESYS_TR) -> SecretBytes:
    prove = _proof(session, slot)
    with session.policy() as policy_session:
        prove(policy_session)
        return session.unseal(handle, policy_session)


def _proof(session: TpmSession, slot: TpmSlot) -> _Prove:
    """Return what proves the present boot state to a policy session."""
    if slot.mechanism == "ecc-srk+pcr":
        return _pcr_proof(session, slot)
    return _authorized_proof(session, slot)


def _pcr_proof(session: TpmSession, slot: TpmSlot) -> _Prove:
    _check_policy(slot, pcr_policy(slot.pcrs, slot.pcr_digest))
    chosen = selection(slot.pcrs)
    if read_digest(session.esapi, slot.pcrs) != slot.pcr_digest:
        raise boot_state(slot.pcrs)

    def prove(policy_session: ESYS_TR) -> None:
        session.esapi.policy_pcr(policy_session, b"", chosen)

    return prove


def _authorized_proof(session: TpmSession, slot: TpmSlot) -> _Prove:
    name = authority_name(slot.authority_public)
    _check_policy(slot, authorize_policy(name))
    chosen = selection(slot.pcrs)
    digest = read_digest(session.esapi, slot.pcrs)
    approval = approval_of(slot, digest)
    if approval is None:
        raise boot_state(slot.pcrs)
    policy = pcr_policy(slot.pcrs, digest)
    signed = approval_digest(policy)
    ticket = session.verify(slot.authority_public, signed, approval.signature)

    def prove(policy_session: ESYS_TR) -> None:
        session.esapi.policy_pcr(policy_session, b"", chosen)
        session.esapi.policy_authorize(policy_session, policy, name, ticket, POLICY_REF)

    return prove


def _check_policy(slot: TpmSlot, expected: bytes) -> None:
    """Raise CORRUPT unless the object has this policy: the TPM would blame the boot state."""
    with explained_blob():
        public = unmarshal(TPM2B_PUBLIC, slot.public)
    if bytes(public.publicArea.authPolicy) != expected:
        raise corrupt()
