"""One client of psi.sock: read a request, ask the broker, write the reply, close.

A second request behind the first is not read: the reply says ``Connection: close``. Nothing
here waits: a client that stalls costs its own place until its deadline and no more.

The end of a request stays unread in the kernel until the whole reply is written. Should the
process die in between, the kernel then resets the connection instead of ending it, and curl
fails: a reply whose head ends after the status line is an empty value to it (7.88.1, tried).
"""

import socket
import time
from contextlib import suppress
from enum import Enum, auto
from typing import TYPE_CHECKING

from psi.frontend.head import END, OVERSIZED, BadRequest, Head, parse_head
from psi.frontend.replies import CONTINUE, error_reply
from psi.shared.channel import Call
from psi.shared.limits import HEAD_BYTES
from psi.shared.peer import Peer, peer_of

if TYPE_CHECKING:
    from psi.frontend.application import Application

_READ_BYTES = 4096
"""At once: curl sends 110 bytes; what is longer comes in the reads that follow."""
_PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT
"""Every call says for itself that it does not wait: one system call less for each client."""
_METHODS = (b"GET ", b"POST ", b"DELETE ")
_NOBODY = Peer(0, 0, 0)


class State(Enum):
    """What the connection waits for; each has its deadline."""

    READING = auto()
    WAITING = auto()
    WRITING = auto()
    CLOSED = auto()


class Connection:
    """A client's one exchange."""

    __slots__ = (
        "_app", "_buffer", "_continued", "_reading", "_rest", "_socket", "_writing",
        "call", "deadline", "head", "peer", "started", "state",
    )  # fmt: skip

    def __init__(self, connected: socket.socket, app: "Application") -> None:
        self._socket = connected
        self._app = app
        self._buffer = b""
        self._rest = b""
        self._reading = self._writing = self._continued = False
        self.state = State.READING
        self.started = time.monotonic()
        self.deadline = self.started + app.limits.http_request_seconds
        self.peer = _NOBODY
        self.head: Head | None = None
        self.call: Call | None = None

    def start(self) -> None:
        """Check who it is, then read: curl's request is usually there already."""
        self.peer = peer_of(self._socket)
        if self.peer.uid not in self._app.uids:
            self._app.log.warning("peer.closed", cause="the uid may not connect", uid=self.peer.uid)
            self.close()
        else:
            self._read()

    def _read(self) -> None:
        try:
            data = self._socket.recv(_READ_BYTES, _PEEK)
        except BlockingIOError:
            return self._watch_input()
        except OSError:
            return self.close()
        if not data:
            return self.close()
        self._buffer = self._buffer + data if self._buffer else data
        try:
            self._parse()
        except BadRequest as error:
            self.refuse(400, "bad-request", str(error))
        if self.state is State.READING:
            # There is more to come, which can stay unread instead.
            self._socket.recv(len(data), socket.MSG_DONTWAIT)
        return None

    def _parse(self) -> None:
        """Dispatch a whole request, or go on reading."""
        if self.head is None:
            end = self._buffer.find(END, 0, HEAD_BYTES)
            if end < 0:
                return self._expect_more()
            end += len(END)
            whole = end == len(self._buffer)
            self.head = parse_head(self._buffer if whole else self._buffer[:end])
            self._buffer = b"" if whole else self._buffer[end:]
        missing = self.head.body_bytes - len(self._buffer)
        if missing > 0:
            return self._expect_body()
        self._ignore_input()
        self.state = State.WAITING
        return self._app.dispatch(self, self.head, self._buffer[: self.head.body_bytes])

    def _expect_more(self) -> None:
        """Wait for the rest of a head, unless it can no longer become one."""
        start = self._buffer[:7]
        if not any(start.startswith(m[: len(start)]) for m in _METHODS):
            raise BadRequest("this is not HTTP; see curl --unix-socket")
        if len(self._buffer) >= HEAD_BYTES:
            raise BadRequest(OVERSIZED)
        if self._buffer.count(b"\n") != self._buffer.count(b"\r\n"):
            raise BadRequest("a line of the head ends without a carriage return")
        self._watch_input()

    def _expect_body(self) -> None:
        if self.head is not None and self.head.expects_continue and not self._continued:
            self._continued = True
            # 25 bytes into an empty buffer: if they do not fit, curl goes on after a second.
            self._send(CONTINUE)
        self._watch_input()

    def refuse(self, status: int, error: str, detail: str) -> None:
        """Answer with an error and its reason."""
        self.reply(status, error_reply(status, error, detail))

    def reply(self, status: int, data: bytes) -> None:
        """Write the reply and close; what does not fit at once goes when the client reads."""
        if self.state is State.CLOSED:
            return
        self.state = State.WRITING
        self._rest = data
        self._write()
        # Counted when the client has its answer: it does not wait for our books.
        self._app.observe(self, status)

    def _write(self) -> None:
        sent = self._send(self._rest)
        if sent < 0:
            return self.close()
        if sent == len(self._rest):
            return self._finish()
        self._rest = self._rest[sent:]
        if not self._writing:
            self._writing = True
            self._ignore_input()
            self.deadline = time.monotonic() + self._app.limits.http_request_seconds
            self._app.loop.add_writer(self._socket.fileno(), self._write)
        return None

    def _finish(self) -> None:
        """End a whole exchange: the request is taken at last, so that the end is no reset."""
        with suppress(OSError):
            self._socket.recv(_READ_BYTES, socket.MSG_DONTWAIT)
        self.close()

    def _send(self, data: bytes) -> int:
        """Return how many bytes the kernel took; -1 when the client is gone."""
        try:
            return self._socket.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0
        except OSError:
            return -1

    def close(self) -> None:
        """End the connection, and the call that it waits for."""
        if self.state is State.CLOSED:
            return
        self.state = State.CLOSED
        if self.call is not None:
            self.call.abandon()
        self._ignore_input()
        if self._writing:
            self._app.loop.remove_writer(self._socket.fileno())
        self._socket.close()
        self._app.forget(self)

    def _watch_input(self) -> None:
        if not self._reading:
            self._reading = True
            self._app.loop.add_reader(self._socket.fileno(), self._read)

    def _ignore_input(self) -> None:
        if self._reading:
            self._reading = False
            self._app.loop.remove_reader(self._socket.fileno())
