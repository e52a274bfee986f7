"""A process that the benchmark starts, waits for and ends."""

import selectors
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from benchmarks.failure import BenchmarkError

READY_SECONDS = 60
"""PSI's services start in a second or two; a busy two-core machine takes several times that."""
STOP_SECONDS = 15
"""PSI drains within 3 s; what is left after this is killed."""
LOG_TAIL_CHARACTERS = 2000
"""Of a child's standard error, shown when it fails."""


class Child:
    """A child that prints one JSON line when it is ready; ended when the context ends."""

    def __init__(self, name: str, argv: list[str], log: Path) -> None:
        self.name = name
        self._log = log
        with log.open("wb") as sink:
            self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=sink)

    def __enter__(self) -> Self:
        """Nothing to do: the child runs since it was made."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def ready(self, seconds: float = READY_SECONDS) -> dict[str, Any]:
        """Return the ready line; raises BenchmarkError when none comes in time."""
        line = self._first_line(time.monotonic() + seconds)
        try:
            return msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.DecodeError as error:
            tail = self._log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:]
            raise BenchmarkError(
                f"{self.name} did not get ready; its standard error ends with:\n{tail}"
            ) from error

    def stop(self) -> None:
        """End the child and wait until it is gone."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _first_line(self, deadline: float) -> bytes:
        pipe = self._process.stdout
        if pipe is None:
            raise BenchmarkError(f"{self.name} has no standard output")
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            return pipe.readline() if selector.select(deadline - time.monotonic()) else b""
