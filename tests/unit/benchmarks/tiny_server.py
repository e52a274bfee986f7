"""A server on a Unix socket that answers each request with what a function returns."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Answer = Callable[[str], bytes]


def reply(value: bytes, length: int | None = None, status: str = "200 OK") -> bytes:
    """Return an HTTP reply; ``length`` is what it claims, where that differs from the truth."""
    claimed = len(value) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {claimed}\r\n\r\n".encode() + value


class TinyServer(socketserver.ThreadingUnixStreamServer):
    """Answers each connection in a thread and counts what came."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, answer: Answer) -> None:
        super().__init__(str(path), Handler)
        self.answer = answer
        self.lock = threading.Lock()
        self.asked: list[str] = []
        self.silent = 0

    def note(self, line: str) -> None:
        """Record a request line, or a connection that ended without one."""
        with self.lock:
            if line:
                self.asked.append(line)
            else:
                self.silent += 1


class Handler(socketserver.StreamRequestHandler):
    """Reads one request head and answers it."""

    server: TinyServer

    def handle(self) -> None:
        line = self.rfile.readline().decode()
        self.server.note(line)
        if not line:
            return
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        self.wfile.write(self.server.answer(line.split()[1].removeprefix("/lookup/")))


@contextmanager
def serving(path: Path, answer: Answer) -> Iterator[TinyServer]:
    """Serve in a thread while the context lasts."""
    with TinyServer(path, answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
