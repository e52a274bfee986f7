"""What the stub does with one request, well behaved or hostile."""

import threading
from dataclasses import dataclass

import msgspec

from psi.shared.framing import pack
from psi.shared.messages.base import Done, Reply, Request
from psi.shared.messages.broker import Lookup, LookupReply, Ping, Pong
from psi.shared.secret import SecretBytes, encode_hook


@dataclass(frozen=True)
class Hang:
    """Never answer; the connection stays."""


@dataclass(frozen=True)
class Late:
    """Answer when the gate opens, also when nobody waits for it any more."""

    gate: threading.Event
    reply: Reply


@dataclass(frozen=True)
class Cut:
    """Send so many bytes of the reply's frame, then close."""

    reply: Reply
    after: int


@dataclass(frozen=True)
class Raw:
    """Send these bytes as they are; then close, or leave the connection open."""

    data: bytes
    close: bool = False


Act = Reply | Hang | Late | Cut | Raw


def frame(reply: Reply) -> bytes:
    """Return a reply as a frame, whatever its id and content are."""
    return pack(msgspec.msgpack.encode(reply, enc_hook=encode_hook))


def value_of(request: Request, value: bytes) -> LookupReply:
    """Return the reply that carries a value."""
    return LookupReply(id=request.id, value=SecretBytes(value))


def obedient(request: Request) -> Reply:
    """Answer as a broker does that knows every id: the value is the id, in upper case."""
    match request:
        case Lookup():
            return value_of(request, request.secret_id.upper().encode())
        case Ping():
            return Pong(id=request.id)
        case _:
            return Done(id=request.id)
