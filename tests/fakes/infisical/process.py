"""Runs the stand-in as its own process for tests."""

import json
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.fakes.infisical.remote import Remote, StandInError
from tests.fakes.infisical.seed import Seed
from tests.fakes.infisical.tls import TlsFiles

__all__ = ["StandIn", "StandInError"]

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 20.0  # a loaded machine takes a second or two for a Python start
STOP_SECONDS = 10.0


class StandIn(Remote):
    """A running stand-in Infisical; a context manager that stops it.

    Args:
        seed: what is in it, a `Seed` or the plain JSON object.
        tls: certificate files to speak TLS with; `control` then trusts `tls.ca`.
        port: 0 takes a free one; `restart` keeps it.
        host: the address to listen on.

    """

    def __init__(
        self,
        seed: Seed | dict[str, Any] | None = None,
        tls: TlsFiles | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
    ) -> None:
        super().__init__(tls=tls)
        self._seed = seed.to_dict() if isinstance(seed, Seed) else seed
        self._port = port
        self._host = host
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="stand-in-")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self.stop()
        self._folder.cleanup()

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The process id."""
        return self._running().pid

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise StandInError("the stand-in is not running; start it first")
        return self._process

    def start(self) -> None:
        """Start the process and wait until it listens.

        Raises:
            StandInError: when it does not within START_SECONDS.

        """
        command = [sys.executable, "-m", "tests.fakes.infisical"]
        command += ["--host", self._host, "--port", str(self._port)]
        if self._seed is not None:
            seed_file = Path(self._folder.name) / "seed.json"
            seed_file.write_text(json.dumps(self._seed), encoding="utf-8")
            command += ["--seed", str(seed_file)]
        if self._tls is not None:
            command += ["--tls-cert", str(self._tls.certificate), "--tls-key", str(self._tls.key)]
        if self._tls is not None and self._tls.client_ca is not None:
            command += ["--tls-client-ca", str(self._tls.client_ca)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        self.url = self._ready_url(self._process)
        self._port = int(self.url.rpartition(":")[2])

    def _ready_url(self, process: "subprocess.Popen[bytes]") -> str:
        stdout = process.stdout
        if stdout is None:
            raise StandInError("the stand-in has no output to read")
        ready, _, _ = select.select([stdout], [], [], START_SECONDS)
        line = stdout.readline() if ready else b""
        if not line:
            self.kill()
            raise StandInError("the stand-in said nothing; its stderr says why")
        return str(json.loads(line)["url"])

    def stop(self) -> None:
        """Stop it with SIGTERM.

        Raises:
            StandInError: when it does not exit with 0 in time.

        """
        process = self._running()
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise StandInError("the stand-in did not stop on SIGTERM and was killed") from error
        self._forget()
        if code != 0:
            raise StandInError(f"the stand-in exited with {code}; its stderr says why")

    def kill(self) -> None:
        """End it with SIGKILL, as a crash or a power cut does."""
        process = self._running()
        process.kill()
        process.wait(STOP_SECONDS)
        self._forget()

    def _forget(self) -> None:
        process = self._running()
        if process.stdout is not None:
            process.stdout.close()
        self._process = None

    def restart(self) -> None:
        """Start again on the same port, from the seed; stops it first if it runs."""
        if self._process is not None:
            self.stop()
        self.start()
