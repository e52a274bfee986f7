"""A blocking Unix connection that carries one frame there and one back, within a deadline."""

import socket
import time
from pathlib import Path

from psi.shared.errors import ProtocolError
from psi.shared.framing import WRONG_PROTOCOL, FrameReader
from psi.shared.limits import KIB, REPLY_FRAME_BYTES

_READ_BYTES = 64 * KIB
"""A page of names is about this large; the kernel gives no more at once than it holds."""

_SLICE_SECONDS = 0.5
"""A wait is cut into these: Python runs a signal's handler between calls, so a Ctrl-C that comes
just before a wait begins is seen only when that wait ends."""


class ConnectionLost(Exception):
    """The peer closed, or went away, before its answer was whole."""


class ConnectionTimedOut(Exception):
    """The deadline passed."""


class OtherProtocol(Exception):
    """The peer speaks another protocol number."""


class Connection:
    """One connected socket to a peer; after any error it may only be closed."""

    def __init__(self, connected: socket.socket, peer: str) -> None:
        self._socket = connected
        self._peer = peer

    def exchange(self, frame: bytes, until: float) -> bytes:
        """Send a frame and return the body of the one that answers, by ``until`` (monotonic).

        Raises ConnectionLost, ConnectionTimedOut, OtherProtocol, or ProtocolError for a frame
        that is too large, empty, or followed by more than was asked for.
        """
        try:
            self._send(frame, until)
            return self._receive(until)
        except TimeoutError as error:
            raise ConnectionTimedOut(f"the {self._peer} did not answer in time") from error
        except OSError as error:
            raise self._lost() from error

    def close(self) -> None:
        """Close the socket; nothing is lost, for every request waits for its reply."""
        self._socket.close()

    def _send(self, frame: bytes, until: float) -> None:
        self._socket.settimeout(_left(until))
        try:
            self._socket.sendall(frame)
        except BrokenPipeError:
            # The byte that says "another protocol" may have come before the peer closed.
            return

    def _receive(self, until: float) -> bytes:
        reader = FrameReader(REPLY_FRAME_BYTES)
        while True:
            untrusted_data = self._read(until)
            if not untrusted_data:
                raise self._lost()
            if untrusted_data == WRONG_PROTOCOL and not reader.partial:
                raise OtherProtocol
            bodies = list(reader.feed(untrusted_data))
            if bodies and (len(bodies) > 1 or reader.partial):
                raise ProtocolError(f"the {self._peer} sent more than one reply to one request")
            if bodies:
                return bodies[0]

    def _read(self, until: float) -> bytes:
        while True:
            self._socket.settimeout(min(_left(until), _SLICE_SECONDS))
            try:
                return self._socket.recv(_READ_BYTES)
            except TimeoutError:
                # _left raises once the whole deadline has passed.
                continue

    def _lost(self) -> ConnectionLost:
        return ConnectionLost(f"the {self._peer} closed the connection without an answer")


def open_connection(path: Path, peer: str, until: float, retry_seconds: float) -> Connection:
    """Connect to a Unix socket; while its backlog is full, try again every ``retry_seconds``.

    Raises OSError where nobody listens, ConnectionTimedOut once ``until`` (monotonic) passed.
    """
    while True:
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            connected.settimeout(_left(until))
            connected.connect(str(path))
        except BlockingIOError:
            # connect(2): EAGAIN on a Unix socket means that its backlog is full.
            connected.close()
            time.sleep(retry_seconds)
        except TimeoutError as error:
            connected.close()
            raise ConnectionTimedOut(f"the {peer} does not accept connections") from error
        except OSError:
            connected.close()
            raise
        else:
            return Connection(connected, peer)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left
