"""The offline way back: a slot that a printed key opens, on any host that has the host secret.

The printed key has 256 random bits, so the cost of scrypt (RFC 7914) is not what protects it;
it is there for whoever prints a shorter one some day. Argon2id would need OpenSSL 3.2, which
Debian 12 does not have.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from psi.sealer.device_error import DeviceError
from psi.sealer.slots import KEK_BYTES, RecoverySlot, SlotBody
from psi.shared.messages.sealer import SealerError, SlotKind
from psi.shared.secret import SecretBytes

_COST_EXPONENT = 15
"""32 MiB and about 0.1 s; RFC 7914 section 2 and the hardware of small hosts."""
_BLOCK_SIZE = 8
_SALT_BYTES = 16
_NONCE_BYTES = 12
_AAD = b"psi recovery slot 1"


class RecoveryBackend:
    """Opens and makes slots with one recovery key; no device, so it runs on any thread. Blocks."""

    kind: SlotKind = "recovery"

    def __init__(self, key: SecretBytes) -> None:
        self._key = key

    def open(self) -> None:
        """There is nothing to open."""

    def make_slot(self, kek: SecretBytes) -> SlotBody:
        """Wrap the key-encryption key."""
        salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
        wrapped = self._cipher(salt, _COST_EXPONENT).encrypt(nonce, kek.reveal(), _AAD)
        return RecoverySlot(salt=salt, cost_exponent=_COST_EXPONENT, nonce=nonce, wrapped=wrapped)

    def open_slot(self, body: SlotBody) -> SecretBytes:
        """Return the key-encryption key; raises BAD_RECOVERY_KEY."""
        assert isinstance(body, RecoverySlot)  # noqa: S101  # slots are chosen by kind
        cipher = self._cipher(body.salt, body.cost_exponent)
        try:
            return SecretBytes(cipher.decrypt(body.nonce, body.wrapped, _AAD))
        except InvalidTag:
            raise no_slot_opens() from None

    def reseal(self, body: SlotBody, kek: SecretBytes, approve: bytes | None) -> SlotBody:
        """Refuse: paper has no boot state."""
        del body, kek, approve
        detail = "a recovery slot has no boot state; make another with psictl cache add-slot"
        raise DeviceError(SealerError.UNSUPPORTED, detail)

    def unwrap_foreign(self, wrapped: bytes) -> SecretBytes:
        """Refuse: the forerunner's blobs need its HSM."""
        del wrapped
        detail = "a recovery key cannot unwrap the forerunner's blobs: use its HSM"
        raise DeviceError(SealerError.UNSUPPORTED, detail)

    def close(self) -> None:
        """There is nothing to close."""

    def _cipher(self, salt: bytes, cost_exponent: int) -> AESGCM:
        kdf = Scrypt(salt=salt, length=KEK_BYTES, n=1 << cost_exponent, r=_BLOCK_SIZE, p=1)
        return AESGCM(kdf.derive(self._key.reveal()))


def no_slot_opens() -> DeviceError:
    """Return the refusal of a key that is well-formed but not ours."""
    detail = (
        "the recovery key opens no slot: it is of another host, of before psictl cache init "
        "--force, or its slot was removed"
    )
    return DeviceError(SealerError.BAD_RECOVERY_KEY, detail)
