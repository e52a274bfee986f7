"""A scriptable broker on the frontend's socket: a real Unix socket, the real framing, threads."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import msgspec

from psi.shared.framing import FrameReader
from psi.shared.limits import REQUEST_FRAME_BYTES
from psi.shared.messages.base import Reply, Request
from psi.shared.processes import Process
from psi.shared.routes import request_decoder
from tests.fakes.broker_stub.acts import Act, Cut, Hang, Late, Raw, frame, obedient

_BACKLOG = 4096
Script = Callable[[Any], Act]


class BrokerStub:
    """Listens at a path while it is entered; ``script`` may be replaced at any time."""

    def __init__(self, path: Path, script: Script = obedient) -> None:
        self.path = path
        self.script = script
        self.requests: list[Request] = []
        self._decoder = request_decoder(Process.FRONTEND, Process.BROKER)
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._open)

    def asked(self, kind: type[Request]) -> int:
        """Return how many requests of a kind came."""
        return sum(isinstance(request, kind) for request in tuple(self.requests))

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()
        self.path.unlink(missing_ok=True)

    def listen(self) -> None:
        """Begin to listen, in place of whatever stands at the path."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.path))
        listener.listen(_BACKLOG)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def refuse(self) -> None:
        """Stop listening and end every connection; the path stays and refuses."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for connected in tuple(self._open):
            self._end(connected)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connected, _ = listener.accept()
            except OSError:
                return
            self._open.add(connected)
            threading.Thread(target=self._talk, args=(connected,), daemon=True).start()

    def _talk(self, connected: socket.socket) -> None:
        reader = FrameReader(REQUEST_FRAME_BYTES)
        try:
            while data := connected.recv(1 << 16):
                for body in reader.feed(data):
                    request = self._decoder.decode(body)
                    self.requests.append(request)
                    self._perform(connected, self.script(request), request.id)
        except OSError:
            pass  # the frontend, or the test's end, closed the connection
        finally:
            self._end(connected)

    def _perform(self, connected: socket.socket, act: Act, request_id: int) -> None:
        match act:
            case Reply():
                connected.sendall(_answer(act, request_id))
            case Late():
                act.gate.wait()
                connected.sendall(_answer(act.reply, request_id))
            case Cut():
                connected.sendall(_answer(act.reply, request_id)[: act.after])
                connected.shutdown(socket.SHUT_RDWR)
            case Raw():
                connected.sendall(act.data)
                if act.close:
                    connected.shutdown(socket.SHUT_RDWR)
            case Hang():
                pass

    def _end(self, connected: socket.socket) -> None:
        self._open.discard(connected)
        # A thread may sit in recv: only a shutdown wakes it, a close alone does not.
        with suppress(OSError):  # it may be closed or shut down already
            connected.shutdown(socket.SHUT_RDWR)
        connected.close()


def _answer(reply: Reply, request_id: int) -> bytes:
    return frame(msgspec.structs.replace(reply, id=request_id))
