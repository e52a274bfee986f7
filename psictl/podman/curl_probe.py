"""Try the driver's lookup command against a throw-away socket, before Podman freezes it (r17).

A curl older than 7.84 prints unknown ``-w`` names to stdout with exit 0: they would become
part of every secret. Only a trial of the very command shows what the curl of this host does.
"""

import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer
from typing import Final

from psi.shared.errors import PsiError
from psi.shared.names import printable
from psictl.driver import driver_commands

PROBE_SECONDS: Final = 10
"""A local curl takes 10 ms; ten seconds allow for a host that is busy booting."""
_GOOD_ID: Final = "0" * 25
_BAD_ID: Final = "f" * 25
_VALUE: Final = b"abc"
_REASON: Final = b"psi: probe-reason"
_MAX_HEAD_LINES: Final = 64


@dataclass(frozen=True, slots=True)
class Probe:
    """Which variant of the driver command this host's curl can run, and what to tell about it."""

    with_reason: bool
    message: str


@dataclass(frozen=True, slots=True)
class _Outcome:
    value: subprocess.CompletedProcess[bytes]
    error: subprocess.CompletedProcess[bytes]

    def is_good(self, *, with_reason: bool) -> bool:
        """Tell whether the value came alone, and the error came without any value."""
        exact = (self.value.returncode, self.value.stdout, self.value.stderr) == (0, _VALUE, b"")
        refused = self.error.returncode != 0 and self.error.stdout == b""
        return exact and refused and (not with_reason or _REASON in self.error.stderr)


def probe_curl(environment: Mapping[str, str] | None = None) -> Probe:
    """Run the lookup command as Podman would and decide whether ``-w`` may stay.

    ``environment`` is the command's, by default this process's. Takes at most four times
    PROBE_SECONDS. Raises PsiError where no variant works, naming what curl said.
    """
    with _throw_away_server() as socket_path:
        full = _try_variant(socket_path, environment, with_reason=True)
        if full.is_good(with_reason=True):
            return Probe(with_reason=True, message="curl shows PSI's reason when a lookup fails")
        plain = _try_variant(socket_path, environment, with_reason=False)
    if plain.is_good(with_reason=False):
        return Probe(with_reason=False, message=_OLD_CURL)
    raise PsiError(_failure(plain))


_OLD_CURL: Final = (
    "this host's curl is older than 7.84: the driver command leaves -w out, "
    "so a failed lookup shows curl's own error and not PSI's reason"
)


def _failure(outcome: _Outcome) -> str:
    if outcome.value.returncode == 127:
        return "curl was not found: install it (apt-get install curl) and run psictl install again"
    said = outcome.value.stderr.decode("utf-8", "replace").strip()
    return (
        "curl did not fetch a test value over a Unix socket "
        f"(exit {outcome.value.returncode}: {printable(said)}): install curl 7.50 or later"
    )


def _try_variant(
    socket_path: str, environment: Mapping[str, str] | None, *, with_reason: bool
) -> _Outcome:
    command = driver_commands(socket_path, with_reason=with_reason)["lookup"]
    good, bad = (_run(command, name, environment) for name in (_GOOD_ID, _BAD_ID))
    return _Outcome(value=good, error=bad)


def _run(
    command: str, secret_id: str, environment: Mapping[str, str] | None
) -> subprocess.CompletedProcess[bytes]:
    variables = dict(os.environ if environment is None else environment) | {"SECRET_ID": secret_id}
    argv = ["/bin/sh", "-c", command]
    try:
        return subprocess.run(
            argv, env=variables, capture_output=True, timeout=PROBE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        said = b"no answer within %d s" % PROBE_SECONDS
        return subprocess.CompletedProcess(argv, returncode=124, stdout=b"", stderr=said)


class _Answer(StreamRequestHandler):
    """Give the value to the good id, and an error with a reason to any other."""

    timeout = PROBE_SECONDS

    def handle(self) -> None:
        request = self.rfile.readline(1024)
        for _ in range(_MAX_HEAD_LINES):
            if self.rfile.readline(1024) in {b"\r\n", b""}:
                break
        head, body = (b"200 OK", _VALUE) if _GOOD_ID.encode() in request else (_NOT_FOUND, b"no")
        length = b"Content-Length: %d" % len(body)
        self.wfile.write(b"HTTP/1.1 %b\r\n%b\r\nConnection: close\r\n\r\n%b" % (head, length, body))


_NOT_FOUND: Final = b"404 Not Found\r\nPSI-Reason: probe-reason"


class _Server(ThreadingUnixStreamServer):
    """A server that is silent about clients that hang up: the outcome tells it."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Print no traceback over psictl's own output."""


@contextmanager
def _throw_away_server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="psi-probe-") as folder:
        path = str(Path(folder) / "sock")
        with _Server(path, _Answer) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield path
            finally:
                server.shutdown()
                thread.join()
