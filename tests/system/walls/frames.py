"""Frames as a plan of the probe has them: real messages, and what no real peer sends."""

import struct
from typing import Final

import msgspec

from psi.shared.framing import HEADER_BYTES, PROTOCOL, pack
from psi.shared.limits import CONTROL_FRAME_BYTES, REQUEST_FRAME_BYTES
from psi.shared.messages.base import Request
from psi.shared.messages.broker import (
    BrokerStatus,
    DeleteMapping,
    Lookup,
    Ping,
    ReadSecrets,
    StoreMapping,
)
from psi.shared.messages.broker_cache import Invalidate
from psi.shared.messages.sealer import Provision, RemoveSlot, SealerStatus, UnwrapKey, WrapKey
from psi.shared.secret import DataKey, encode_hook

_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=encode_hook)
SECRET_ID: Final = "0123456789abcdef012345678"


def frame(request: Request) -> str:
    """Return a request's frame in hexadecimal."""
    return pack(_ENCODER.encode(request)).hex()


LOOKUP: Final = frame(Lookup(id=1, secret_id=SECRET_ID, claimed_uid=0, claimed_pid=1))
PING: Final = frame(Ping(id=2))
STATUS: Final = frame(BrokerStatus(id=3))
UNWRAP: Final = frame(UnwrapKey(id=4, purpose="cache", generation=1, wrapped=b"w" * 80))
WRAP: Final = frame(WrapKey(id=5, purpose="cache", generation=1, key=DataKey(bytes(32))))
READ: Final = frame(ReadSecrets(id=6, project="myproject", path="/myapp"))
INVALIDATE: Final = frame(Invalidate(id=7, everything=True))
DELETE: Final = frame(DeleteMapping(id=8, secret_id=SECRET_ID, claimed_uid=0))
STORE: Final = frame(StoreMapping(id=9, secret_id=SECRET_ID, mapping=b"{}", claimed_uid=0))
SEALER_STATUS: Final = frame(SealerStatus(id=10))
REMOVE_SLOT: Final = frame(RemoveSlot(id=11, number=0))
PROVISION: Final = frame(Provision(id=12, recovery=False))


def _header(length: int, number: int = PROTOCOL) -> bytes:
    return struct.pack("!BI", number, length)


def _body(*parts: bytes) -> str:
    return pack(b"".join(parts)).hex()


_KEYED: Final = b"\x82\xa4type\xa4Ping"
"""A map of two entries, of which the first is the tag of a Ping."""
BROKEN: Final = {
    "a header above the cap": _header(REQUEST_FRAME_BYTES + 1).hex(),
    "a header of four gigabytes": (_header(2**32 - 1) + b"\xff" * 4096).hex(),
    "an empty body": _header(0).hex(),
    "an unknown tag": _body(b"\x82\xa4type\xaaOpenTheDoor\xa2id\x01"),
    "no tag": _body(b"\x81\xa2id\x01"),
    "a field that no one knows": _body(_KEYED, b"\xa5force\xc3"),
    "not a number for a key": _body(_KEYED, b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00\x01"),
    "not a number for an id": _body(_KEYED, b"\xa2id\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"),
    "lists in lists": _body(b"\x91" * (REQUEST_FRAME_BYTES - 1), b"\x01"),
    "a list of four thousand millions": _body(b"\xdd\xff\xff\xff\xff"),
    "bytes that are no message": _body(b"\xc1" * 64),
    "an id with a line after it": _body(
        _ENCODER.encode(Lookup(secret_id=SECRET_ID[:-1] + "\n", claimed_uid=0, claimed_pid=0))
    ),
}
"""What breaks the protocol of the broker's lookup socket as soon as it is read, by what it is."""
BEGUN: Final = {
    "half a frame": LOOKUP[: len(LOOKUP) // 2],
    "half a header": LOOKUP[: 2 * (HEADER_BYTES - 2)],
}
"""What might still be finished."""
HOSTILE: Final = BROKEN | BEGUN
CONTROL_BOMB: Final = _body(b"\x91" * (CONTROL_FRAME_BYTES - 1), b"\x01")
"""The deepest message that fits a control socket."""
OTHER_PROTOCOL: Final = (_header(1, PROTOCOL + 1) + b"\x80").hex()
