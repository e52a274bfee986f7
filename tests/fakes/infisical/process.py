"""Runs the stand-in as its own process for tests."""

import json
import re
import select
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.fakes.infisical.seed import Seed, Text
from tests.fakes.infisical.tls import TlsFiles

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 20.0  # a loaded machine takes a second or two for a Python start
STOP_SECONDS = 10.0
CONTROL_SECONDS = 10.0


class StandInError(Exception):
    """The stand-in did not start, stop or obey."""


class StandIn:
    """A running stand-in Infisical; a context manager that stops it.

    Args:
        seed: what is in it, a `Seed` or the plain JSON object.
        tls: certificate files to speak TLS with; `control` then trusts `tls.ca`.
        port: 0 takes a free one; `restart` keeps it.

    """

    def __init__(
        self, seed: Seed | dict[str, Any] | None = None, tls: TlsFiles | None = None, port: int = 0
    ) -> None:
        self._seed = seed.to_dict() if isinstance(seed, Seed) else seed
        self._tls = tls
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="stand-in-")
        self.url = ""

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
        command = [sys.executable, "-m", "tests.fakes.infisical", "--port", str(self._port)]
        if self._seed is not None:
            seed_file = Path(self._folder.name) / "seed.json"
            seed_file.write_text(json.dumps(self._seed), encoding="utf-8")
            command += ["--seed", str(seed_file)]
        if self._tls is not None:
            command += ["--tls-cert", str(self._tls.certificate), "--tls-key", str(self._tls.key)]
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

    def control(self, method: str, name: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call the control API, for example `control("POST", "clock", {"offset": 60})`.

        Raises:
            StandInError: when the server refuses the call, with its reason.

        """
        request = urllib.request.Request(  # noqa: S310  (the URL is the stand-in's own)
            f"{self.url}/__control__/{name}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
        )
        try:
            with self._opener().open(request, timeout=CONTROL_SECONDS) as response:
                return dict(json.loads(response.read()))
        except urllib.error.HTTPError as error:
            raise StandInError(f"{method} {name}: {error.read().decode()}") from error

    def _opener(self) -> urllib.request.OpenerDirector:
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if self._tls is not None:
            context = ssl.create_default_context(cafile=str(self._tls.ca))
            handlers.append(urllib.request.HTTPSHandler(context=context))
        return urllib.request.build_opener(*handlers)

    def requests(self, path_regex: str = "") -> list[dict[str, Any]]:
        """Return the logged API requests whose path matches, oldest first."""
        found: Iterable[dict[str, Any]] = self.control("GET", "requests")["requests"]
        return [entry for entry in found if re.search(path_regex, entry["path"])]

    def count(self, path_regex: str = "", method: str | None = None) -> int:
        """Return how many API requests matched."""
        found = self.requests(path_regex)
        return sum(1 for entry in found if method is None or entry["method"] == method)

    def clear_requests(self) -> None:
        """Empty the log."""
        self.control("DELETE", "requests")

    def fault(
        self,
        kind: str,
        path_regex: str = "",
        *,
        method: str | None = None,
        times: int | None = None,
        skip: int = 0,
        **parameters: Any,
    ) -> None:
        """Add a fault rule, for example `fault("status", "/secrets", status=503, times=1)`."""
        match = {"method": method, "path_regex": path_regex}
        rule = {"match": match, "times": times, "skip": skip, "fault": {"kind": kind} | parameters}
        self.control("POST", "faults", rule)

    def clear_faults(self) -> None:
        """Drop all fault rules and let go of what waits on one."""
        self.control("DELETE", "faults")

    def held(self) -> int:
        """Return how many requests a `hold` fault holds now."""
        return int(self.control("GET", "release")["held"])

    def wait_held(self, count: int, seconds: float = 10.0) -> None:
        """Wait until at least `count` requests are held.

        Raises:
            StandInError: when that does not happen in time.

        """
        deadline = time.monotonic() + seconds
        while self.held() < count:
            if time.monotonic() > deadline:
                raise StandInError(f"{self.held()} requests are held, not {count}")

    def release(self) -> int:
        """Let all held requests go on; return how many there were."""
        return int(self.control("POST", "release")["released"])

    def set_secret(
        self, project: str, environment: str, path: str, key: Text, value: Text | None
    ) -> None:
        """Set a secret past all rules for writing, or delete it with None; project: id or slug."""
        self.control(
            "POST",
            "secret",
            {
                "project": project,
                "environment": environment,
                "path": path,
                "key": key,
                "value": value,
            },
        )
