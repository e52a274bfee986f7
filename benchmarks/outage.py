"""What an outage of Infisical costs a lookup: cached values, and misses that cannot be served.

The suite runs as the development host with a stand-in Infisical that is then stopped. The times
before an outage is taken for one are shortened, so that nobody waits: what is measured comes after.
"""

import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import material
from benchmarks.failure import BenchmarkError
from benchmarks.goals import Verdict
from benchmarks.loadgen import LoadGenerator, Sample, write_ids
from benchmarks.measure import WARMUP_SECONDS, Plan, fill_cache
from benchmarks.subjects import SETUP_SECONDS, register, start_psi
from tests.fakes.infisical.process import StandIn, StandInError

CLIENTS = 16
"""A pod of containers that starts while Infisical is away."""
MISSES = 100
"""So many are timed: the 99th percentile is the second slowest."""
MISSES_PER_SECOND = 10
"""Beside the cached lookups, as containers ask that are new on the host."""
MAX_RATIO = 2.0
MAX_MISS_MILLISECONDS = 50.0
LIMITS = {"breaker_open_seconds": 0.5, "boot_grace_seconds": 0.5}
OPEN_SECONDS = 20.0
"""For the breaker to open: half a second, and the tries of the misses that it takes."""
MISS_SECONDS = 30.0
"""Within which any lookup ends (r15)."""


@dataclass(frozen=True)
class Outage:
    """Samples of cached lookups before and during, and the seconds of each miss."""

    normal: list[Sample]
    during: list[Sample]
    misses: list[float]

    def verdicts(self) -> list[Verdict]:
        """Hold the measurements against the goals."""
        before = statistics.median(sample.p99 for sample in self.normal)
        ratio = statistics.median(sample.p99 for sample in self.during) / before
        errors = sum(sample.errors for sample in (*self.normal, *self.during))
        slow = sorted(self.misses)[int(0.99 * (len(self.misses) - 1))] * 1000
        title = f"Infisical away: cached p99 <= {MAX_RATIO:.1f} x normal"
        miss_title = f"Infisical away: a miss's p99 in ms <= {MAX_MISS_MILLISECONDS:.0f}"
        return [
            Verdict(title, ratio, ratio <= MAX_RATIO),
            Verdict(miss_title, slow, slow <= MAX_MISS_MILLISECONDS),
            Verdict("Infisical away: cached lookups that failed = 0", errors, not errors),
        ]


def measure_outage(program: Path, folder: Path, plan: Plan) -> Outage:
    """Start the suite below the folder, take Infisical away and measure; raises BenchmarkError."""
    folder.mkdir()
    limits = folder / "limits.json"
    limits.write_text(json.dumps(LIMITS))
    values = material.values()
    with ExitStack() as stack:
        try:
            infisical = stack.enter_context(StandIn(material.seed()))
        except StandInError as error:
            raise BenchmarkError(str(error)) from error
        root = folder / "host"
        psi = start_psi(stack, folder, root, infisical.url, limits)
        keys_by_id = register(root)
        cold, *cached = keys_by_id
        ids = {one: values[keys_by_id[one]] for one in cached}
        write_ids(folder / "ids", ids)
        generator = LoadGenerator(program, folder / "ids")
        fill_cache(generator, psi, len(ids), "psi")
        normal = _runs(generator, psi, plan)
        infisical.kill()
        _drop(root, cold)
        _wait_open(psi, cold)
        with _misses(psi, cold):
            during = _runs(generator, psi, plan)
        return Outage(normal, during, [_miss(psi, cold) for _ in range(MISSES)])


def _runs(generator: LoadGenerator, psi: Path, plan: Plan) -> list[Sample]:
    return [
        generator.for_seconds(psi, CLIENTS, plan.seconds, warmup=WARMUP_SECONDS)
        for _ in range(plan.runs)
    ]


def _drop(root: Path, secret_id: str) -> None:
    argv = [sys.executable, "-m", "psictl", "--root", str(root), "cache", "invalidate", secret_id]
    done = subprocess.run(argv, capture_output=True, timeout=SETUP_SECONDS, check=False)
    if done.returncode:
        raise BenchmarkError(f"psictl cache invalidate failed:\n{done.stderr.decode()}")


def _wait_open(psi: Path, secret_id: str) -> None:
    deadline = time.monotonic() + OPEN_SECONDS
    while b"Infisical is away" not in _ask(psi, secret_id):
        if time.monotonic() > deadline:
            raise BenchmarkError("the breaker did not open; psi.log in the folder may say why")
        time.sleep(1 / MISSES_PER_SECOND)


@contextmanager
def _misses(psi: Path, secret_id: str) -> Iterator[None]:
    """Have misses asked for at a steady rate meanwhile."""
    stopped = threading.Event()

    def ask() -> None:
        while not stopped.wait(1 / MISSES_PER_SECOND):
            _ask(psi, secret_id)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _miss(psi: Path, secret_id: str) -> float:
    began = time.perf_counter()
    reply = _ask(psi, secret_id)
    took = time.perf_counter() - began
    if not reply.startswith(b"HTTP/1.1 503"):
        raise BenchmarkError(f"a miss was answered with {reply[:80]!r} and not with 503")
    return took


def _ask(psi: Path, secret_id: str) -> bytes:
    """Look up one id over a connection of its own; return the whole reply."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(MISS_SECONDS)
        client.connect(str(psi))
        client.sendall(f"GET /lookup/{secret_id} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        reply = b""
        while part := client.recv(4096):
            reply += part
        return reply
