"""Policies over PCRs, worked out in software as the TPM does (TPM 2.0 Library, part 3, 23).

The TPM checks each of them when it unseals, so a mistake here cannot open anything.
"""

import hashlib
from typing import Final

from tpm2_pytss import ESAPI, TPML_PCR_SELECTION

from psi.sealer.device_error import DeviceError
from psi.shared.messages.sealer import SealerError

POLICY_REF: Final = b"psi boot state 1"
"""Qualifies what an authority signs: a signature for another purpose is no approval."""

_ZERO: Final = bytes(32)
_POLICY_PCR: Final = (0x17F).to_bytes(4)
"""TPM_CC_PolicyPCR."""
_POLICY_AUTHORIZE: Final = (0x16A).to_bytes(4)
"""TPM_CC_PolicyAuthorize."""
_MAX_READS: Final = 8
"""A TPM returns up to eight values at once; 24 PCRs need three."""


def selection(pcrs: list[int]) -> TPML_PCR_SELECTION:
    """Return PCRs of the SHA-256 bank, as TPM commands take them."""
    return TPML_PCR_SELECTION.parse("sha256:" + ",".join(map(str, pcrs)))


def read_digest(esapi: ESAPI, pcrs: list[int]) -> bytes:
    """Return SHA-256 over the present values, in the order of their numbers.

    Raises TSS2_Exception, or DeviceError (UNSUPPORTED) where the SHA-256 bank is off.
    """
    digest = hashlib.sha256()
    left = sorted(pcrs)
    for _ in range(_MAX_READS):
        if not left:
            return digest.digest()
        _, _, values = esapi.pcr_read(selection(left))
        for value in values:
            digest.update(bytes(value))
        if len(values) == 0:
            break
        # The TPM leaves out the highest ones where the reply is full.
        left = left[len(values) :]
    detail = (
        "the TPM has no SHA-256 bank for these PCRs: enable the bank in the firmware, or set "
        "sealer.tpm.pcrs"
    )
    raise DeviceError(SealerError.UNSUPPORTED, detail)


def pcr_policy(pcrs: list[int], pcr_digest: bytes) -> bytes:
    """Return the policy digest that holds while the PCRs have these values."""
    chosen = selection(pcrs).marshal()
    return hashlib.sha256(_ZERO + _POLICY_PCR + chosen + pcr_digest).digest()


def authorize_policy(authority_name: bytes) -> bytes:
    """Return the policy digest that holds for whatever policy the authority has signed."""
    first = hashlib.sha256(_ZERO + _POLICY_AUTHORIZE + authority_name).digest()
    return hashlib.sha256(first + POLICY_REF).digest()


def approval_digest(policy: bytes) -> bytes:
    """Return what the authority signs to approve a policy."""
    return hashlib.sha256(policy + POLICY_REF).digest()
