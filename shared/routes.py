"""The one table of who may send what to whom.

Each listening socket's decoder is built from its rows, so what a caller may not say does not
decode. A row that nothing uses fails a test; so does a request type without a row.
"""

from typing import Any, NamedTuple

from msgspec import msgpack

from psi.shared.errors import ProtocolError
from psi.shared.limits import CONTROL_FRAME_BYTES, REQUEST_FRAME_BYTES
from psi.shared.messages import broker as b
from psi.shared.messages import broker_cache as k
from psi.shared.messages import pki as p
from psi.shared.messages import sealer as s
from psi.shared.messages.base import Done, Refused, Reply, Request
from psi.shared.messages.broker import BrokerError as E
from psi.shared.messages.pki import PkiError as P
from psi.shared.messages.sealer import SealerError as S
from psi.shared.processes import Process
from psi.shared.secret import decode_hook

_UPSTREAM = (E.ABSENT, E.REFUSED, E.FOREIGN, E.LIMITED, E.UNREACHABLE, E.UNSERVED, E.DRAINING)


class Route(NamedTuple):
    """One row: a request that one caller may send to one server."""

    caller: Process
    server: Process
    request: type[Request]
    reply: type[Reply]
    errors: tuple[E | S | P, ...]
    deadline: str
    """The field of Limits that bounds the whole call, as the caller sees it."""
    used_by: str
    """The command, HTTP route or file of the caller that needs this row."""
    idempotent: bool = True
    """A caller may repeat it once when the connection ended without a reply."""


_F, _B, _S, _P, _C = Process.FRONTEND, Process.BROKER, Process.SEALER, Process.PKI, Process.CTL
_DEVICE = (
    S.UNPROVISIONED, S.CORRUPT, S.DEVICE_UNAVAILABLE, S.DEVICE_BUSY, S.DEVICE_RESET,
    S.DEVICE_TIMEOUT, S.OTHER_DEVICE, S.BOOT_STATE, S.WRONG_AUTHORISATION, S.LOCKED_OUT,
    S.PIN_REFUSED, S.PIN_MISSING, S.KEY_MISSING, S.UNSUPPORTED, S.DRAINING, S.INTERNAL,
)  # fmt: skip

ROUTES = (
    Route(
        _F, _B, b.Lookup, b.LookupReply,
        (
            E.UNKNOWN_ID, E.FORBIDDEN, E.BAD_VALUE, E.STALE, E.SEALER, *_UPSTREAM, E.INTERNAL,
        ),
        "lookup_seconds", "GET /lookup",
    ),
    Route(
        _F, _B, b.StoreMapping, Done,
        (E.BAD_MAPPING, E.FORBIDDEN, E.CONFLICT, E.FULL, E.INTERNAL),
        "call_seconds", "POST /store",
    ),
    Route(_F, _B, b.DeleteMapping, Done, (E.FULL, E.INTERNAL), "call_seconds", "DELETE /delete"),
    Route(_F, _B, b.Ping, b.Pong, (), "ping_seconds", "GET /healthz"),
    Route(_P, _B, b.Ping, b.Pong, (), "ping_seconds", "broker_link.py"),
    Route(
        _C, _B, b.Discover, b.DiscoverReply,
        (E.UNKNOWN_NAME, E.STALE_CURSOR, *_UPSTREAM, E.INTERNAL),
        "control_seconds", "psictl setup",
    ),
    Route(
        _C, _B, b.ListWorkloads, b.ListWorkloadsReply, (E.INTERNAL,),
        "control_seconds", "psictl setup",
    ),
    Route(
        _C, _B, b.ListMappings, b.ListMappingsReply, (E.INTERNAL,),
        "control_seconds", "psictl setup",
    ),
    Route(
        _C, _B, b.TestLogin, b.TestLoginReply, (E.STALE_CURSOR, E.INTERNAL),
        "control_seconds", "psictl infisical login",
    ),
    Route(
        _C, _B, b.ReadSecrets, b.ReadSecretsReply,
        (E.UNKNOWN_NAME, E.STALE_CURSOR, E.BAD_VALUE, *_UPSTREAM, E.INTERNAL),
        "control_seconds", "psictl infisical env",
    ),
    Route(
        _C, _B, b.BrokerStatus, b.BrokerStatusReply, (E.INTERNAL,),
        "control_seconds", "psictl status",
    ),
    Route(
        _C, _B, k.CacheStatus, k.CacheStatusReply, (E.SEALER, E.INTERNAL),
        "control_seconds", "psictl cache status",
    ),
    Route(
        _C, _B, k.DescribeWorkload, k.DescribeWorkloadReply, (E.UNKNOWN_NAME, E.INTERNAL),
        "control_seconds", "psictl setup",
    ),
    Route(
        _C, _B, k.ListHeld, k.ListHeldReply, (E.INTERNAL,), "control_seconds", "psictl setup",
    ),
    Route(
        _C, _B, k.Refresh, k.RefreshReply, (E.UNSERVED, E.STALE_CURSOR, E.DRAINING, E.INTERNAL),
        "refresh_seconds", "psictl cache refresh",
    ),
    Route(
        _C, _B, k.Invalidate, k.InvalidateReply,
        (E.UNSERVED, E.UNKNOWN_ID, E.UNKNOWN_NAME, E.FULL, E.SEALER, E.INTERNAL),
        "control_seconds", "psictl cache invalidate",
    ),
    Route(
        _C, _B, k.SealSecret, Done, (E.EXISTS, E.BAD_VALUE, E.FULL, E.SEALER, E.INTERNAL),
        "control_seconds", "psictl seal", idempotent=False,
    ),
    Route(
        _B, _S, s.WrapKey, s.WrapKeyReply, _DEVICE, "sealer_seconds", "cache_writer.py",
    ),
    Route(
        _B, _S, s.UnwrapKey, s.UnwrapKeyReply, (*_DEVICE, S.OTHER_KEY, S.CONTEXT),
        "sealer_seconds", "cache_opener.py",
    ),
    Route(
        _B, _S, s.SealerStatus, s.SealerStatusReply, (S.INTERNAL,),
        "sealer_seconds", "cache_control.py",
    ),
    Route(
        _C, _S, s.SealerStatus, s.SealerStatusReply, (S.INTERNAL,),
        "control_seconds", "psictl cache slots",
    ),
    Route(
        _C, _S, s.Provision, s.ProvisionReply, (*_DEVICE, S.PROVISIONED, S.FULL),
        "control_seconds", "psictl cache init", idempotent=False,
    ),
    Route(
        _C, _S, s.AddSlot, s.AddSlotReply, (*_DEVICE, S.FULL),
        "control_seconds", "psictl cache add-slot", idempotent=False,
    ),
    Route(
        _C, _S, s.RemoveSlot, Done, (*_DEVICE, S.UNKNOWN_SLOT, S.LAST_SLOT, S.FULL),
        "control_seconds", "psictl cache remove-slot",
    ),
    Route(
        _C, _S, s.Recover, Done, (*_DEVICE, S.BAD_RECOVERY_KEY, S.FULL),
        "control_seconds", "psictl cache recover",
    ),
    Route(
        _C, _S, s.Reseal, Done, (*_DEVICE, S.FULL),
        "control_seconds", "psictl cache reseal",
    ),
    Route(
        _C, _S, s.UnwrapForeign, s.UnwrapForeignReply, _DEVICE,
        "control_seconds", "psictl migrate",
    ),
    Route(
        _C, _P, p.PkiStatus, p.PkiStatusReply, (P.DRAINING, P.INTERNAL),
        "control_seconds", "psictl status",
    ),
)  # fmt: skip  # one row is one thought


def rows(caller: Process, server: Process) -> tuple[Route, ...]:
    """Return the rows of one socket: what this caller may send to this server."""
    return tuple(row for row in ROUTES if (row.caller, row.server) == (caller, server))


def row_of(caller: Process, server: Process, request: type[Request]) -> Route:
    """Return the row of a request; raises ProtocolError where the caller may not send it."""
    for row in rows(caller, server):
        if row.request is request:
            return row
    raise ProtocolError(f"{caller} may not send {request.__name__} to {server}")


def request_decoder(caller: Process, server: Process) -> msgpack.Decoder[Any]:
    """Build the decoder of a listening socket: its caller's requests and nothing else."""
    return _decoder(tuple(row.request for row in rows(caller, server)))


def reply_decoder(caller: Process, server: Process) -> msgpack.Decoder[Any]:
    """Build the decoder of a caller's connections: this server's replies and refusals."""
    return _decoder((*dict.fromkeys(row.reply for row in rows(caller, server)), Refused))


def request_cap(caller: Process) -> int:
    """Return the largest request frame in bytes; only control sockets carry large ones."""
    return CONTROL_FRAME_BYTES if caller is Process.CTL else REQUEST_FRAME_BYTES


def _decoder(types: tuple[type[Any], ...]) -> msgpack.Decoder[Any]:
    union = types[0]
    for kind in types[1:]:
        union = union | kind  # type: ignore[assignment]  # a union built at run time
    return msgpack.Decoder(union, dec_hook=decode_hook)
