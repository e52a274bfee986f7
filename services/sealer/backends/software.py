"""Development only: the key that opens the slot lies in the next file, so nothing is protected."""

import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from psi.sealer.device_error import DeviceError
from psi.sealer.slots import KEK_BYTES, SlotBody, SoftwareSlot
from psi.shared.atomic_file import create_file
from psi.shared.messages.sealer import SealerError, SlotKind
from psi.shared.secret import SecretBytes

KEY_FILE = "software.key"
WARNING = (
    "NOT PROTECTED: the software backend keeps its key beside what it encrypts; "
    "for development only, set cache.backend to tpm or hsm"
)
_NONCE_BYTES = 12
_AAD = b"psi software slot 1"


class SoftwareBackend:
    """A key file of 0600 in the state folder, made when it is first opened."""

    kind: SlotKind = "software"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key: SecretBytes | None = None

    def open(self) -> None:
        """Read the key file; raises DEVICE_UNAVAILABLE."""
        path = self._folder / KEY_FILE
        try:
            if not path.exists():
                create_file(self._folder, KEY_FILE, secrets.token_bytes(KEK_BYTES))
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                key = file.read(KEK_BYTES + 1)
        except OSError as error:
            detail = f"{path}: {error.strerror}; correct the rights of the state folder"
            raise DeviceError(SealerError.DEVICE_UNAVAILABLE, detail, retry=True) from error
        if len(key) != KEK_BYTES:
            raise DeviceError(SealerError.CORRUPT, f"{path}: {len(key)} bytes, not 32; restore it")
        self._key = SecretBytes(key)

    def make_slot(self, kek: SecretBytes) -> SlotBody:
        """Wrap the key."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        wrapped = self._cipher().encrypt(nonce, kek.reveal(), _AAD)
        return SoftwareSlot(nonce=nonce, wrapped=wrapped)

    def open_slot(self, body: SlotBody) -> SecretBytes:
        """Unwrap the key; raises OTHER_DEVICE where the key file is another."""
        assert isinstance(body, SoftwareSlot)  # noqa: S101  # slots are chosen by kind
        try:
            return SecretBytes(self._cipher().decrypt(body.nonce, body.wrapped, _AAD))
        except InvalidTag:
            detail = f"the slot was not made with this {KEY_FILE}: restore it or recover"
            raise DeviceError(SealerError.OTHER_DEVICE, detail) from None

    def reseal(self, body: SlotBody, kek: SecretBytes, approve: bytes | None) -> SlotBody:
        """Refuse: a file has no boot state."""
        del body, kek, approve
        detail = "the software backend has no boot state to bind to; nothing needs resealing"
        raise DeviceError(SealerError.UNSUPPORTED, detail)

    def unwrap_foreign(self, wrapped: bytes) -> SecretBytes:
        """Refuse: the forerunner's blobs need its HSM."""
        del wrapped
        detail = "the forerunner's blobs need its HSM: set cache.backend to hsm and run apply"
        raise DeviceError(SealerError.UNSUPPORTED, detail)

    def close(self) -> None:
        """Forget the key."""
        self._key = None

    def _cipher(self) -> AESGCM:
        assert self._key is not None  # noqa: S101  # the session opens first
        return AESGCM(self._key.reveal())
