"""Lookups on a booted host, at a steady pace or one after the other, as by Podman's curl."""

import json
import subprocess
from dataclasses import dataclass
from typing import Final, Self

from tests.system.host import Host

DRIVER: Final = "/root/lookups.py"
_SCRIPT: Final = '''\
"""Look ids up for as long as stdin is open; print what became of each as one JSON list."""

import concurrent.futures, json, select, socket, sys, time

pace, ids = float(sys.argv[1]), sys.argv[2:]


def lookup(secret):
    """Return the status, the body and the seconds, as of one curl."""
    begun = time.monotonic()
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(35)
            connection.connect("/run/psi/psi.sock")
            head = f"GET /lookup/{secret} HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n"
            connection.sendall(head.encode())
            whole = b""
            while part := connection.recv(65536):
                whole += part
        head, _, body = whole.partition(b"\\r\\n\\r\\n")
        status = int(head.split()[1]) if head else 0
    except OSError as error:
        status, body = 0, str(error).encode()
    return status, body.decode(errors="replace"), begun, time.monotonic() - begun


print("started", flush=True)
if pace == 0:
    made = [lookup(secret) for secret in ids]
else:
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        futures, due = [], time.monotonic()
        while not select.select([sys.stdin], [], [], max(0, due - time.monotonic()))[0]:
            futures.append(pool.submit(lookup, ids[len(futures) % len(ids)]))
            due += 1 / pace
        made = [future.result() for future in futures]
json.dump(made, sys.stdout)
'''


@dataclass(frozen=True)
class Lookup:
    """What one lookup got."""

    status: int
    """0 where there was no answer: ``body`` then has the cause."""
    body: str
    begun: float
    """On the host's CLOCK_MONOTONIC."""
    seconds: float


class SteadyLookups:
    """Lookups at a pace for as long as the context is open; ``made`` has them afterwards."""

    def __init__(self, host: Host, ids: list[str], pace: float = 50) -> None:
        self._host = host
        self._argv = ["python3", "-I", DRIVER, str(pace), *ids]
        self._process: subprocess.Popen[str] | None = None
        self.made: list[Lookup] = []

    def __enter__(self) -> Self:
        self._host.write(DRIVER, _SCRIPT)
        self._process = subprocess.Popen(
            self._host.command(self._argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "started\n"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        out, _ = self._process.communicate("", timeout=60)
        self.made = [Lookup(*each) for each in json.loads(out)]

    @property
    def failed(self) -> list[Lookup]:
        """Those that got no value."""
        return [each for each in self.made if each.status != 200]


def in_turn(host: Host, ids: list[str], seconds: float = 120) -> list[Lookup]:
    """Look ids up one after the other, as the start of one container does."""
    host.write(DRIVER, _SCRIPT)
    done = host.run(["python3", "-I", DRIVER, "0", *ids], seconds=seconds)
    return [Lookup(*each) for each in json.loads(done.stdout.removeprefix("started\n"))]
