"""The TPM 2.0 backend: the key-encryption key as a sealed object below the storage root key.

Mechanisms: ``ecc-srk`` (this TPM), ``ecc-srk+pcr`` (and this boot state),
``ecc-srk+pcr-authorized`` (and a boot state that the slot's own authority has signed:
TPM2_PolicyAuthorize, so that a firmware update can be approved before it is made).
"""

from typing import Final, Literal

from msgspec.structs import replace

from psi.sealer.backends.tpm_approvals import approve_state, authority_name
from psi.sealer.backends.tpm_authority import Authority
from psi.sealer.backends.tpm_errors import explained, other_device
from psi.sealer.backends.tpm_policy import authorize_policy, pcr_policy, read_digest
from psi.sealer.backends.tpm_session import TpmSession
from psi.sealer.backends.tpm_unsealing import unseal_by_policy
from psi.sealer.device_error import DeviceError
from psi.sealer.slots import SlotBody, TpmSlot
from psi.shared.messages.sealer import SealerError, SlotKind
from psi.shared.projection import TpmOptions
from psi.shared.secret import SecretBytes

_Mechanism = Literal["ecc-srk", "ecc-srk+pcr", "ecc-srk+pcr-authorized"]
_MECHANISMS: Final[dict[str, _Mechanism]] = {
    "none": "ecc-srk",
    "pcr": "ecc-srk+pcr",
    "authorized": "ecc-srk+pcr-authorized",
}


class TpmBackend:
    """Wraps the key with one TPM; used on the device thread only. All of it blocks."""

    kind: SlotKind = "tpm"

    def __init__(self, options: TpmOptions) -> None:
        self._tcti = options.tcti
        self._policy = options.policy
        self._pcrs = sorted(set(options.pcrs)) if options.policy != "none" else []
        self._session = TpmSession(options.tcti)

    def open(self) -> None:
        """Connect; raises DEVICE_UNAVAILABLE, DEVICE_BUSY, WRONG_AUTHORISATION, UNSUPPORTED."""
        if self._policy != "none" and not self._pcrs:
            detail = f"policy {self._policy} names no PCR: set sealer.tpm.pcrs, to [7] for example"
            raise DeviceError(SealerError.UNSUPPORTED, detail)
        self._session.close()
        self._session = TpmSession(self._tcti)
        self._session.open()

    def close(self) -> None:
        """Flush all and disconnect. Raises nothing."""
        self._session.close()

    def make_slot(self, kek: SecretBytes) -> TpmSlot:
        """Seal the key to this TPM and, by the configured policy, to its boot state."""
        if self._policy == "none":
            return self._seal(kek, "ecc-srk", b"")
        digest = self._read_digest(self._pcrs)
        if self._policy == "authorized":
            return self._make_authorized(kek, digest)
        slot = self._seal(kek, "ecc-srk+pcr", pcr_policy(self._pcrs, digest))
        return replace(slot, pcrs=self._pcrs, pcr_digest=digest)

    def open_slot(self, body: SlotBody) -> SecretBytes:
        """Unseal; raises BOOT_STATE, OTHER_DEVICE, CORRUPT and what the TPM says besides."""
        slot = self._own(body)
        with self._session.loaded(slot.public, slot.private) as handle:
            if slot.mechanism == "ecc-srk":
                with explained():
                    return self._session.unseal(handle, None)
            return unseal_by_policy(self._session, slot, handle)

    def reseal(self, body: SlotBody, kek: SecretBytes, approve: bytes | None) -> TpmSlot:
        """Bind to the present boot state, or approve a SHA-256 over PCR values to come.

        Raises OTHER_DEVICE, and UNSUPPORTED where the policy does not allow it.
        """
        slot = self._own(body)
        same = slot.mechanism == _MECHANISMS[self._policy] and slot.pcrs == self._pcrs
        if same and self._policy == "authorized":
            return self._approve(slot, kek, approve)
        if approve is not None:
            detail = (
                "only a slot of policy authorized can be approved ahead: set sealer.tpm.policy, "
                "apply, and run psictl cache reseal once without a digest"
            )
            raise DeviceError(SealerError.UNSUPPORTED, detail)
        if same and self._policy == "none":
            detail = "the slot is bound to no boot state: nothing needs resealing"
            raise DeviceError(SealerError.UNSUPPORTED, detail)
        return self.make_slot(kek)

    def unwrap_foreign(self, wrapped: bytes) -> SecretBytes:
        """Refuse: the forerunner's blobs need its HSM."""
        del wrapped
        detail = "the forerunner's blobs need its HSM: set cache.backend to hsm and run apply"
        raise DeviceError(SealerError.UNSUPPORTED, detail)

    def _seal(self, kek: SecretBytes, mechanism: _Mechanism, policy: bytes) -> TpmSlot:
        public, private = self._session.seal(kek, policy)
        srk_name = self._session.srk_name
        return TpmSlot(mechanism=mechanism, public=public, private=private, srk_name=srk_name)

    def _make_authorized(self, kek: SecretBytes, digest: bytes) -> TpmSlot:
        authority = Authority.make()
        policy = authorize_policy(authority_name(authority.public))
        slot = replace(
            self._seal(kek, "ecc-srk+pcr-authorized", policy),
            pcrs=self._pcrs,
            pcr_digest=digest,
            authority_public=authority.public,
            authority_private=authority.seal(kek),
        )
        return approve_state(slot, kek, digest)

    def _approve(self, slot: TpmSlot, kek: SecretBytes, approve: bytes | None) -> TpmSlot:
        if approve is not None:
            return approve_state(slot, kek, approve)
        digest = self._read_digest(slot.pcrs)
        bound = replace(slot, pcr_digest=digest)
        return approve_state(bound, kek, digest)

    def _own(self, body: SlotBody) -> TpmSlot:
        assert isinstance(body, TpmSlot)  # noqa: S101  # slots are chosen by kind
        if body.srk_name != self._session.srk_name:
            raise other_device()
        return body

    def _read_digest(self, pcrs: list[int]) -> bytes:
        with explained():
            return read_digest(self._session.esapi, pcrs)
