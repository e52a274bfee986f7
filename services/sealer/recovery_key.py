"""The recovery key as people print and type it.

32 random bytes in eight groups of eight letters (Crockford's base32: no I, L, O or U). Each
group holds four bytes and a check byte over its place and content, so that a typing error is
told by the group's number and swapped groups are noticed.
"""

import base64
import binascii
import hashlib
import secrets

from psi.sealer.device_error import DeviceError
from psi.sealer.slots import KEK_BYTES
from psi.shared.messages.sealer import SealerError
from psi.shared.secret import SecretBytes

_RFC4648 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PRINT = str.maketrans(_RFC4648, _CROCKFORD)
_TYPED = str.maketrans(_CROCKFORD + "ILO", _RFC4648 + "BBA")
_GROUP_BYTES = 4
_GROUP_LETTERS = 8
_GROUPS = KEK_BYTES // _GROUP_BYTES
_MAX_TYPED_BYTES = 512
"""A key has 71 characters; people add spaces and line ends."""


def make_recovery_key() -> SecretBytes:
    """Return 32 random bytes."""
    return SecretBytes(secrets.token_bytes(KEK_BYTES))


def print_recovery_key(key: SecretBytes) -> SecretBytes:
    """Return the printed form: eight groups of eight letters with dashes between."""
    raw = key.reveal()
    parts = (raw[i : i + _GROUP_BYTES] for i in range(0, KEK_BYTES, _GROUP_BYTES))
    return SecretBytes("-".join(_print_group(i, part) for i, part in enumerate(parts)).encode())


def parse_recovery_key(typed: SecretBytes) -> SecretBytes:
    """Return the 32 bytes; case, spaces and dashes do not matter, O is 0, I and L are 1.

    Raises DeviceError (BAD_RECOVERY_KEY) naming the group, never its letters.
    """
    text = typed.reveal()[:_MAX_TYPED_BYTES].decode(errors="replace").upper()
    letters = "".join(letter for letter in text if letter not in "- \t\r\n")
    if len(letters) != _GROUPS * _GROUP_LETTERS:
        raise _bad(f"has {len(letters)} letters, not {_GROUPS * _GROUP_LETTERS}")
    cut = (letters[i : i + _GROUP_LETTERS] for i in range(0, len(letters), _GROUP_LETTERS))
    return SecretBytes(b"".join(_parse_group(i, group) for i, group in enumerate(cut)))


def _print_group(place: int, part: bytes) -> str:
    return base64.b32encode(part + _check(place, part)).decode().translate(_PRINT)


def _parse_group(place: int, group: str) -> bytes:
    try:
        if not set(group) <= set(_CROCKFORD + "ILO"):
            raise _bad(f"has a typing error in group {place + 1} of {_GROUPS}")
        raw = base64.b32decode(group.translate(_TYPED))
    except binascii.Error:
        raise _bad(f"has a typing error in group {place + 1} of {_GROUPS}") from None
    part, check = raw[:_GROUP_BYTES], raw[_GROUP_BYTES:]
    if check != _check(place, part):
        raise _bad(f"has a typing error in group {place + 1} of {_GROUPS}")
    return part


def _check(place: int, part: bytes) -> bytes:
    return hashlib.sha256(b"psi recovery key" + bytes([place]) + part).digest()[:1]


def _bad(cause: str) -> DeviceError:
    detail = f"the recovery key {cause}; type it again as it was printed"
    return DeviceError(SealerError.BAD_RECOVERY_KEY, detail)
