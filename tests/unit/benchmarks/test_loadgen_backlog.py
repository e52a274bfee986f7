"""A full backlog makes the load generator wait: it is counted, and is no error."""

import socket
import struct
import threading
import time
from pathlib import Path

from benchmarks.loadgen import LoadGenerator, write_ids
from tests.unit.benchmarks.tiny_server import reply

CLIENTS = 8
WAITS = 5
"""Times that the load generator slept: by the second it has met the full backlog."""
WAIT_SECONDS = 10


def peer_pid(connection: socket.socket) -> int:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int(struct.unpack("3i", credentials)[0])


def times_slept(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(x.split()[1] for x in lines if x.startswith("voluntary_ctxt_switches")))


def serve_late(listener: socket.socket) -> None:
    """Accept one, let the others meet the backlog, and then answer everybody."""
    for number in range(CLIENTS):
        connection, _ = listener.accept()
        if number == 0:
            pid = peer_pid(connection)
            target, deadline = times_slept(pid) + WAITS, time.monotonic() + WAIT_SECONDS
            while times_slept(pid) < target and time.monotonic() < deadline:
                time.sleep(0.002)
        connection.recv(4096)
        connection.sendall(reply(b"value"))
        connection.close()


def test_a_full_backlog_is_tried_again_and_counted(folder: Path, program: Path) -> None:
    write_ids(folder / "ids", {"a1": b"value"})
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "sock"))
        listener.listen(1)
        thread = threading.Thread(target=serve_late, args=(listener,))
        thread.start()
        generator = LoadGenerator(program, folder / "ids")
        sample = generator.requests(folder / "sock", clients=CLIENTS, count=CLIENTS)
        thread.join()
    assert (sample.requests, sample.errors) == (CLIENTS, 0)
    assert sample.connect_retries > 0
