"""Compiles the load generator and runs it against one socket."""

import shutil
import subprocess
from pathlib import Path

import msgspec

from benchmarks.failure import BenchmarkError

SOURCES = sorted(Path(__file__).parent.glob("loadgen*.c"))
COMPILE_SECONDS = 60
"""Three small files take a second; a machine that is busy with tests takes a few."""
OVERTIME_SECONDS = 60
"""Beyond warm-up and run: the last replies, which the load generator gives up after 40 s."""


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one run of the load generator measured; latencies are in microseconds.

    ``throughput`` counts good replies a second; ``client_cpu`` is the share of one core that the
    load generator itself used. The five counts before ``connect_retries`` add up to ``errors``.
    """

    requests: int
    errors: int
    bad_status: int
    wrong_value: int
    truncated: int
    transport: int
    timeouts: int
    connect_retries: int
    seconds: float
    throughput: float
    p50: float
    p99: float
    max: float
    client_cpu: float


def compile_loadgen(folder: Path) -> Path:
    """Compile the load generator into the folder and return the program's path.

    Raises BenchmarkError where there is no C compiler or it refuses the sources.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        raise BenchmarkError("the load generator needs a C compiler: apt-get install gcc libc6-dev")
    program = folder / "loadgen"
    argv = [compiler, "-std=gnu11", "-O2", "-o", str(program), *map(str, SOURCES)]
    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False
    )
    if done.returncode:
        raise BenchmarkError(f"cc refused the load generator:\n{done.stderr}")
    return program


def write_ids(path: Path, values: dict[str, bytes]) -> None:
    """Write the file that tells the load generator which ids to ask for and what they are worth."""
    path.write_text("".join(f"{key} {value.hex()}\n" for key, value in values.items()))


class LoadGenerator:
    """The compiled program with the file of ids that it asks for."""

    def __init__(self, program: Path, ids: Path) -> None:
        self._command = [str(program), "--ids", str(ids)]

    def for_seconds(
        self, socket: Path, clients: int, seconds: float, *, warmup: float = 0, stalled: int = 0
    ) -> Sample:
        """Ask for so long; the warm-up comes before it and is not counted.

        ``stalled`` more connections are opened first and say nothing.
        """
        options = {"clients": clients, "seconds": seconds, "warmup": warmup, "stalled": stalled}
        return self._run(socket, options, warmup + seconds)

    def requests(self, socket: Path, clients: int, count: int) -> Sample:
        """Make exactly so many requests."""
        return self._run(socket, {"clients": clients, "requests": count}, 0)

    def _run(self, socket: Path, options: dict[str, float], expected: float) -> Sample:
        pairs = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        done = subprocess.run(
            [*self._command, "--socket", str(socket), *pairs],
            capture_output=True,
            text=True,
            timeout=expected + OVERTIME_SECONDS,
            check=False,
        )
        if done.returncode:
            raise BenchmarkError(done.stderr.strip())
        return msgspec.json.decode(done.stdout, type=Sample)
