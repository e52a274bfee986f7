"""A development host with fake services, driven as its callers do: lines, sockets and signals."""

import json
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from psi.shared.processes import Process
from psictl.layout import Layout
from tests.unit.dev import dev_main

DEADLINE = 60
"""Seconds until a condition that is due in milliseconds counts as missed."""
CONFIG = """\
providers:
  infisical:
    projects:
      shop:
        id: shop-id
        environment: prod
        auth: {method: universal-auth, client_id: machine, client_secret: hunter2}
workloads:
  web:
    secrets: [{project: shop, path: /web}]
"""


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Return once a condition holds; fails after DEADLINE seconds."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"waited {DEADLINE} s for {what}"
        time.sleep(0.005)  # between looks at the condition, not instead of one


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that ended and was not reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def _listens(path: Path) -> bool:
    lines = Path("/proc/net/unix").read_text().splitlines()
    # Flags 00010000 are SO_ACCEPTCON (proc_net_unix in net/unix/af_unix.c).
    return any(line.endswith(f" {path}") and line.split()[3] == "00010000" for line in lines)


def ask(path: Path) -> dict[str, Any]:
    """Connect to a fake service and return what it tells, its socket's name included.

    A host that is just starting may not listen yet.
    """
    wait_for(lambda: _listens(path), f"{path} to listen")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(DEADLINE)
        connection.connect(str(path))
        head, _, body = connection.makefile("rb").read().partition(b"\n")
    fields: dict[str, Any] = json.loads(head) | json.loads(body)
    return fields


class DevHost:
    """A running development host."""

    def __init__(self, layout: Layout, *command: str) -> None:
        self.layout = layout
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        self._selector = selectors.DefaultSelector()
        assert self.process.stdout is not None
        self._stdout = self.process.stdout
        self._selector.register(self._stdout, selectors.EVENT_READ)

    def line(self) -> dict[str, Any]:
        """Return the next line of stdout; fails after DEADLINE seconds or at its end."""
        text = b""
        while not text.endswith(b"\n"):
            assert self._selector.select(DEADLINE), "no line from dev"
            byte = self._stdout.read(1)
            assert byte, f"dev ended: {self.errors()}"
            text += byte
        fields: dict[str, Any] = json.loads(text)
        return fields

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)

    def errors(self) -> str:
        """Return what it wrote on stderr, once it ended."""
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def end(self) -> None:
        """Stop it, if it runs still, and close its pipes."""
        if self.process.poll() is None:
            self.stop()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    @property
    def http(self) -> Path:
        """The frontend's socket."""
        return self.layout.http_socket

    @property
    def control(self) -> Path:
        """The broker's control socket."""
        return self.layout.control_socket(Process.BROKER)

    def events(self) -> list[str]:
        """Return what the fakes noted, in order of time."""
        lines = (self.layout.root / "events").read_text().splitlines()
        ordered = sorted(lines, key=lambda line: int(line.split()[2]))
        return [line.rpartition(" ")[0] for line in ordered]


Start = Callable[..., DevHost]


@pytest.fixture
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return Layout(tmp_path_factory.mktemp("r"))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    path.chmod(0o600)
    return path


@pytest.fixture
def start(layout: Layout, config: Path) -> Iterator[Start]:
    """Return a function that starts a host: ``start(frontend=WAYS, …, limits=PATH, device=X)``."""
    hosts: list[DevHost] = []

    def run(
        *,
        frontend: str = "",
        broker: str = "",
        sealer: str = "",
        pki: str = "",
        limits: str = "",
        device: str = "",
    ) -> DevHost:
        ends = (str(layout.root), str(config), limits, device, frontend, broker, sealer, pki)
        hosts.append(DevHost(layout, sys.executable, dev_main.__file__, *ends))
        return hosts[-1]

    yield run
    for host in hosts:
        host.end()
