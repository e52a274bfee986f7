"""One blocking conversation with a service over its control socket.

A reply is treated as hostile although the service is ours: psictl is root, and a service that
was taken over must not become root through it (r29). What is checked here is the form of the
conversation; :mod:`psictl.catalogue` parses the names again.
"""

import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, NoReturn, Self, TypeVar

import msgspec

from psi.shared import routes
from psi.shared.errors import UNDECODABLE, ProtocolError, PsiError, Unreachable
from psi.shared.framing import pack
from psi.shared.limits import MIB, Limits
from psi.shared.messages.base import Refused, Reply, Request
from psi.shared.names import printable
from psi.shared.processes import Process
from psi.shared.secret import encode_hook
from psictl.connection import (
    Connection,
    ConnectionLost,
    ConnectionTimedOut,
    OtherProtocol,
    open_connection,
)
from psictl.layout import Layout
from psictl.refusal import refusal_of

R = TypeVar("R", bound=Reply)

MAX_RECEIVED_BYTES = 256 * MIB
"""By one command: 100,000 mappings are at most 150 MB; a peer that sends more has lost its way."""


@dataclass(frozen=True)
class _Call:
    """What is fixed while one request is tried, and tried again."""

    route: routes.Route
    frame: bytes
    request_id: int
    until: float


class ControlClient:
    """Sends one request at a time and returns its reply, checked against the route's row.

    Use it as a context manager, by the class of its server. It may not be used by two threads.
    """

    server: ClassVar[Process]

    def __init__(
        self,
        layout: Layout,
        limits: Limits | None = None,
        max_received: int = MAX_RECEIVED_BYTES,
    ) -> None:
        self._layout = layout
        self._limits = limits if limits is not None else Limits()
        self._max_received = max_received
        self._connection: Connection | None = None
        self._next_id = 1
        self._received = 0
        self._decoder = routes.reply_decoder(Process.CTL, self.server)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._drop()

    def call(self, request: Request, reply: type[R]) -> R:
        """Send a request and return its reply, within the deadline of the route's row.

        Raises Unreachable (no service, or no answer in time), Temporary (Infisical or a device
        does not answer now), Refusal (it says no) or ProtocolError (a reply that may not be).
        """
        route = routes.row_of(Process.CTL, self.server, type(request))
        seconds: float = getattr(self._limits, route.deadline)
        request_id, self._next_id = self._next_id, (self._next_id + 1) % 2**32
        body = msgspec.msgpack.encode(
            msgspec.structs.replace(request, id=request_id), enc_hook=encode_hook
        )
        call = _Call(route, pack(body), request_id, time.monotonic() + seconds)
        try:
            answer = self._decode(self._exchange(call), call)
        except PsiError:
            self._drop()
            raise
        if not isinstance(answer, reply):
            self._drop()
            raise ProtocolError(
                f"the {self.server} answered {type(request).__name__} with "
                f"{type(answer).__name__}; {self._upgrade()}"
            )
        return answer

    def _exchange(self, call: _Call) -> bytes:
        """Return the body of the answer, reconnecting where that loses nothing."""
        repeats = 1 if call.route.idempotent else 0
        other_protocol = False
        while True:
            try:
                return self._connected(call.until).exchange(call.frame, call.until)
            except OtherProtocol:
                # An upgrade is under way: hold the request until the new server listens (r26).
                self._drop()
                other_protocol = True
                time.sleep(self._limits.connect_retry_seconds)
            except ConnectionLost as error:
                self._drop()
                if repeats == 0:
                    raise Unreachable(f"{error}; {self._remedy()}") from error
                repeats -= 1
            except ConnectionTimedOut as error:
                if other_protocol:
                    raise ProtocolError(
                        f"the {self.server} speaks another protocol number; {self._upgrade()}"
                    ) from error
                raise Unreachable(f"{error}; {self._remedy()}") from error

    def _connected(self, until: float) -> Connection:
        if self._connection is None:
            path = self._layout.control_socket(self.server)
            retry = self._limits.connect_retry_seconds
            try:
                self._connection = open_connection(path, self.server, until, retry)
            except OSError as error:
                self._fail_to_connect(error)
        return self._connection

    def _fail_to_connect(self, error: OSError) -> NoReturn:
        path = self._layout.control_socket(self.server)
        if isinstance(error, PermissionError):
            raise Unreachable(f"{path}: permission denied; run psictl as root") from error
        cause = error.strerror or str(error)
        raise Unreachable(
            f"the {self.server}'s socket {path}: {cause}; {self._remedy()}"
        ) from error

    def _remedy(self) -> str:
        if self._layout.is_host:
            unit = self.server.unit
            return f"systemctl start psi.target, and see journalctl -u {unit}"
        return f"start it with psictl dev --root {self._layout.root}, and see what dev logs"

    def _upgrade(self) -> str:
        unit = self.server.unit
        return f"install the same version of psictl and psi-{self.server} and restart {unit}"

    def _restart(self) -> str:
        return f"restart {self.server.unit}"

    def _decode(self, untrusted_body: bytes, call: _Call) -> Reply:
        self._received += len(untrusted_body)
        if self._received > self._max_received:
            raise ProtocolError(
                f"the {self.server} sent over {self._max_received} bytes; {self._restart()}"
            )
        try:
            answer: Any = self._decoder.decode(untrusted_body)
        except UNDECODABLE as error:
            raise ProtocolError(
                f"the {self.server} sent a reply that is not valid: {printable(str(error))}; "
                f"{self._upgrade()}"
            ) from error
        if answer.id != call.request_id:
            raise ProtocolError(
                f"the {self.server} answered request {answer.id} and not {call.request_id}; "
                f"{self._restart()}"
            )
        if isinstance(answer, Refused):
            raise refusal_of(answer, call.route)
        return answer  # type: ignore[no-any-return]  # the decoder's union is built at run time

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class BrokerClient(ControlClient):
    """A conversation with the broker."""

    server = Process.BROKER


class SealerClient(ControlClient):
    """A conversation with the sealer."""

    server = Process.SEALER


class PkiClient(ControlClient):
    """A conversation with pki."""

    server = Process.PKI
