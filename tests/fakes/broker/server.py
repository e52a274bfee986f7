"""A service for tests of psictl: a real Unix socket, the real framing and decoders, a thread.

It answers from a world, the broker's by default; ``answers`` puts something else in an answer's
place, hostile things too: raw bytes, a connection that closes, or nothing at all.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import msgspec

from psi.shared.framing import FrameReader, pack
from psi.shared.messages.base import Reply, Request
from psi.shared.processes import Process
from psi.shared.routes import request_cap, request_decoder
from psi.shared.secret import encode_hook
from tests.fakes.broker.world import World

Close = object()
"""An answer: the connection ends without a reply."""
Silence = object()
"""An answer: the connection stays open, and nothing comes."""
Answer = Callable[[Any], Reply | bytes | object]
"""From a request to a reply, to raw bytes that are sent as they are, to Close or to Silence."""


class Answering(Protocol):
    """What a service knows."""

    def answer(self, request: Any) -> Reply:
        """Answer as the real service does."""
        ...


def frame(reply: object) -> bytes:
    """Return a message as a frame, whatever its id says."""
    return pack(msgspec.msgpack.encode(reply, enc_hook=encode_hook))


class FakeService:
    """Listens while it is entered."""

    process: ClassVar[Process]

    def __init__(self, path: Path, world: Answering) -> None:
        self.path = path
        self.world = world
        self.answers: dict[type[Request], Answer] = {}
        self.greetings: list[bytes | object] = []
        """What the next connections get before anything is read, one each."""
        self.requests: list[Request] = []
        self.arrived = threading.Condition()
        self.busy = 0
        """Requests that were read and are not answered yet."""
        self._decoder = request_decoder(Process.CTL, self.process)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for connected in self._open:
            connected.close()

    def wait_for_requests(self, count: int, seconds: float = 20) -> None:
        """Return once so many requests came; a loaded machine takes seconds to start one."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.requests) >= count, seconds)

    def _serve(self) -> None:
        while True:
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connected)
            threading.Thread(target=self._talk, args=(connected,), daemon=True).start()

    def _talk(self, connected: socket.socket) -> None:
        if self.greetings:
            # Read first: a socket that is closed with unread data resets the connection.
            connected.recv(1 << 16)
            self._give(connected, self.greetings.pop(0))
            connected.close()
            return
        reader = FrameReader(request_cap(Process.CTL))
        while data := _received(connected):
            for body in reader.feed(data):
                request = self._decoder.decode(body)
                self.busy += 1
                with self.arrived:
                    self.requests.append(request)
                    self.arrived.notify_all()
                answer = self._answer(request)
                self.busy -= 1
                if not self._give(connected, answer):
                    return

    def _answer(self, request: Any) -> object:
        chosen = self.answers.get(type(request), self.world.answer)
        answer = chosen(request)
        if isinstance(answer, Reply):
            return frame(msgspec.structs.replace(answer, id=request.id))
        return answer

    def _give(self, connected: socket.socket, answer: object) -> bool:
        if isinstance(answer, bytes):
            # A caller that went away is a test's own doing.
            with suppress(OSError):
                connected.sendall(answer)
        elif answer is Close:
            connected.close()
        return isinstance(answer, bytes) or answer is Silence


class FakeBroker(FakeService):
    """The broker's control socket."""

    process = Process.BROKER

    def __init__(self, path: Path, world: World | None = None) -> None:
        super().__init__(path, world if world is not None else World())


def _received(connected: socket.socket) -> bytes:
    try:
        return connected.recv(1 << 16)
    except OSError:
        return b""
