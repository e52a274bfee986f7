"""The keyslot file: up to eight slots that each wrap the one key-encryption key.

Layout: ``PSIK``, version 1, MessagePack content, HMAC-SHA256 over all before it under a key
that only the open key-encryption key gives, SHA-256 over all before it. The checksum finds
damage before a device is asked; the MAC finds a forger once the key is open.
"""

import hashlib
import hmac
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from psi.sealer.device_error import DeviceError
from psi.sealer.keys import KEY_ID_BYTES, Keys
from psi.sealer.slots import Keyslot
from psi.shared.limits import KIB
from psi.shared.messages.sealer import MAX_SLOTS, SealerError

FILE_BYTES = 256 * KIB
"""Eight of the largest slots that decode have some 200 KiB; a usual slot has 500 bytes."""
_MAGIC = b"PSIK"
_VERSION = b"\x01"
_HEAD_BYTES = len(_MAGIC) + len(_VERSION)
_DIGEST_BYTES = 32
_REMEDY = "restore it, or start anew with psictl cache init --force"


class _Content(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    key_id: Annotated[bytes, Meta(min_length=KEY_ID_BYTES, max_length=KEY_ID_BYTES)]
    slots: Annotated[list[Keyslot], Meta(min_length=1, max_length=MAX_SLOTS)]


class KeyslotFile:
    """A keyslot file's content; hostile until :meth:`verify` has seen the key."""

    def __init__(self, data: bytes) -> None:
        """Decode; raises DeviceError (CORRUPT) for anything but a whole file."""
        self.data = data
        content = _decode(data)
        self.key_id = content.key_id
        self.slots = tuple(content.slots)

    @classmethod
    def build(cls, keys: Keys, slots: tuple[Keyslot, ...]) -> "KeyslotFile":
        """Make the file of these slots."""
        ordered = sorted(slots, key=lambda slot: slot.number)
        content = _Content(key_id=keys.key_id, slots=ordered)
        covered = _MAGIC + _VERSION + msgspec.msgpack.encode(content)
        covered += _mac(keys, covered)
        return cls(covered + hashlib.sha256(covered).digest())

    def verify(self, keys: Keys) -> None:
        """Check that this key made the file; raises DeviceError (CORRUPT)."""
        if self.key_id != keys.key_id:
            detail = (
                "the keyslot file and the host secret do not belong together: restore "
                "/var/lib/psi-config/host-secret, or the keyslot file, from one backup"
            )
            raise DeviceError(SealerError.CORRUPT, detail)
        covered, mac = self.data[: -2 * _DIGEST_BYTES], self.data[-2 * _DIGEST_BYTES :]
        if not hmac.compare_digest(mac[:_DIGEST_BYTES], _mac(keys, covered)):
            raise _corrupt("was altered by someone without the key")


def _mac(keys: Keys, covered: bytes) -> bytes:
    return hmac.digest(keys.authenticating.reveal(), covered, "sha256")


def _decode(data: bytes) -> _Content:
    if len(data) <= _HEAD_BYTES + 2 * _DIGEST_BYTES or len(data) > FILE_BYTES:
        raise _corrupt(f"has {len(data)} bytes")
    if data[: len(_MAGIC)] != _MAGIC:
        raise _corrupt("does not begin as one")
    if data[len(_MAGIC) : _HEAD_BYTES] != _VERSION:
        raise _corrupt("is of a version that this PSI does not know")
    covered, checksum = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if hashlib.sha256(covered).digest() != checksum:
        raise _corrupt("is damaged (checksum)")
    try:
        content = msgspec.msgpack.decode(covered[_HEAD_BYTES:-_DIGEST_BYTES], type=_Content)
    except (msgspec.DecodeError, RecursionError):
        raise _corrupt("has content that does not decode") from None
    if len({slot.number for slot in content.slots}) != len(content.slots):
        raise _corrupt("has two slots of one number")
    return content


def _corrupt(cause: str) -> DeviceError:
    return DeviceError(SealerError.CORRUPT, f"the keyslot file {cause}; {_REMEDY}")
