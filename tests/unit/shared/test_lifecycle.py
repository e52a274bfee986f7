"""From READY to STOPPING, by the word of a real service process and by a scenario."""

import array
import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from psi.shared.lifecycle import DEVELOPMENT_ROOT, run_until_stopped, socket_path
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.processes import Process
from tests.fakes.launcher import ServiceProcess, listening
from tests.unit.shared.loops import Run, until

_SECONDS = 20


SOCKETS = {"frontend": "http", "pki": "ctl"}
"""Services that start without a configuration, and the name of the one socket of each."""


class Watched(ServiceProcess):
    """A service whose states are received as systemd receives them."""

    def __init__(self, name: str, root: Path, watchdog_usec: int | None = None) -> None:
        super().__init__(name, root, {SOCKETS[name]: listening(root / "psi.sock")})
        self.watchdog_usec = watchdog_usec
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(root / "notify"))
        self.notify.settimeout(_SECONDS)

    def environment(self, notify: Path) -> dict[str, str]:
        given = super().environment(notify)
        if self.watchdog_usec is not None:
            given["WATCHDOG_USEC"] = str(self.watchdog_usec)
        return given

    def begin(self) -> None:
        self.process = self._spawn(self.root / "notify")

    def states(self, last: str) -> list[str]:
        """Return what it says until, and with, a state."""
        said: list[str] = []
        while last not in said:
            said.append(self.notify.recv(4096).decode())
        return said

    def end(self) -> None:
        self.kill()
        self.notify.close()
        self.sockets[SOCKETS[self.name]].close()


@contextlib.contextmanager
def watched(
    root: Path, watchdog_usec: int | None = None, name: str = "frontend"
) -> Iterator[Watched]:
    """Start a service; it is killed at the end, should it still run."""
    service = Watched(name, root, watchdog_usec)
    try:
        service.begin()
        yield service
    finally:
        service.end()


@pytest.mark.parametrize("name", SOCKETS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_is_ready_then_stops_on_a_signal(
    number: signal.Signals, name: str, folder: Path
) -> None:
    with watched(folder, name=name) as service:
        assert service.states("READY=1") == ["READY=1"]
        assert service.process is not None
        service.process.send_signal(number)
        assert service.states("STOPPING=1") == ["STOPPING=1"]
        assert service.process.wait(_SECONDS) == 0
        assert service.text().splitlines() == [
            f"<6>psi-{name}: ready",
            f"<6>psi-{name}: stopping",
        ]


@pytest.mark.parametrize("name", SOCKETS)
def test_the_watchdog_is_fed_more_often_than_it_asks_for(name: str, folder: Path) -> None:
    with watched(folder, 100_000, name) as service:
        assert service.states("READY=1")[-1] == "READY=1"
        for _ in range(5):
            assert service.states("WATCHDOG=1") == ["WATCHDOG=1"]
        assert service.stop() == 0


@pytest.mark.parametrize("name", SOCKETS)
def test_a_process_that_is_stopped_feeds_no_watchdog(name: str, folder: Path) -> None:
    """What hangs as a whole is what the watchdog is for."""
    with watched(folder, 20_000, name) as service:
        service.states("WATCHDOG=1")
        os.kill(service.pid, signal.SIGSTOP)
        _wait_for_state(service.pid, "T")
        service.notify.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                service.notify.recv(4096)
        service.notify.settimeout(0.2)
        with pytest.raises(TimeoutError):
            service.notify.recv(4096)
        os.kill(service.pid, signal.SIGCONT)
        service.notify.settimeout(_SECONDS)
        service.states("WATCHDOG=1")


def _wait_for_state(pid: int, state: str) -> None:
    """Wait until the kernel says so (proc_pid_stat(5))."""
    stat = Path(f"/proc/{pid}/stat")
    _wait_for(lambda: stat.read_text().rpartition(")")[2].split()[0] == state)


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < deadline
        os.sched_yield()


def test_a_request_that_was_begun_is_answered_after_sigterm(folder: Path) -> None:
    with watched(folder) as service, socket.socket(socket.AF_UNIX) as client:
        service.states("READY=1")
        client.settimeout(_SECONDS)
        client.connect(str(folder / "psi.sock"))
        client.sendall(b"GET /metrics HTTP/1.1\r\n")
        _wait_until_read(client)
        assert service.process is not None
        service.process.send_signal(signal.SIGTERM)
        service.states("STOPPING=1")
        client.sendall(b"Host: localhost\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
        assert service.process.wait(_SECONDS) == 0


def _wait_until_read(client: socket.socket) -> None:
    """Wait until the server has read what was sent: the kernel counts what it has not (unix(7))."""
    unread = array.array("i", [1])

    def all_read() -> bool:
        fcntl.ioctl(client, termios.TIOCOUTQ, unread)
        return unread[0] == 0

    _wait_for(all_read)


@pytest.mark.parametrize("name", SOCKETS)
def test_a_service_without_sockets_says_so_and_ends(name: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"psi.{name}"],
        env={"PATH": os.environ["PATH"]},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f'<3>psi-{name}: failed cause="no listening sockets were passed')
    assert "psictl dev" in line


@pytest.mark.parametrize("name", SOCKETS)
def test_a_service_with_bad_limits_says_so_and_ends(name: str, folder: Path) -> None:
    (folder / "limits.json").write_text('{"lookup_secnods": 1}')
    done = subprocess.run(
        [sys.executable, "-m", f"psi.{name}"],
        env={"PATH": os.environ["PATH"], "CREDENTIALS_DIRECTORY": str(folder)},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 2
    assert "unknown field `lookup_secnods`" in done.stderr
    assert "Traceback" not in done.stderr


class Notes:
    """A notifier that keeps what it was told."""

    def __init__(self) -> None:
        self.states: list[str] = []

    def notify(self, state: str) -> None:
        self.states.append(state)


def test_states_come_in_order_and_the_watchdog_is_fed_while_draining(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "1000")

    async def scenario() -> None:
        notes = Notes()

        async def drain() -> None:
            notes.states.append("drain")
            await until(lambda: notes.states[-1] == "WATCHDOG=1")

        service = asyncio.create_task(
            run_until_stopped(notes, Limits(), Log(Process.BROKER), drain)
        )
        await until(lambda: notes.states.count("WATCHDOG=1") > 2)
        os.kill(os.getpid(), signal.SIGTERM)
        await service
        others = [each for each in notes.states if each != "WATCHDOG=1"]
        assert others == ["READY=1", "STOPPING=1", "drain"]
        fed = len(notes.states)
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert len(notes.states) == fed

    run(scenario())


def test_without_a_watchdog_none_is_fed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)

    async def scenario() -> None:
        notes = Notes()

        async def drain() -> None:
            for _ in range(5):
                await asyncio.sleep(0.001)

        service = asyncio.create_task(
            run_until_stopped(notes, Limits(), Log(Process.BROKER), drain)
        )
        await until(lambda: notes.states)
        os.kill(os.getpid(), signal.SIGTERM)
        await service
        assert notes.states == ["READY=1", "STOPPING=1"]

    run(scenario())


def test_a_callback_that_fails_is_logged_without_its_text(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async def drain() -> None:
            await asyncio.sleep(0)

        def fail() -> None:
            raise ValueError("hunter2")

        notes = Notes()
        service = asyncio.create_task(
            run_until_stopped(notes, Limits(), Log(Process.BROKER), drain)
        )
        await until(lambda: notes.states)
        asyncio.get_running_loop().call_soon(fail)
        await until(lambda: caplog.records)
        os.kill(os.getpid(), signal.SIGTERM)
        await service

    run(scenario())
    (record,) = [each for each in caplog.records if each.getMessage() == "loop.fault"]
    assert record.__dict__["fields"]["fault"] == "ValueError"
    assert "hunter2" not in str(record.__dict__)


@pytest.mark.parametrize(("root", "path"), [(None, "/run/x"), ("/srv/dev", "/srv/dev/run/x")])
def test_a_sockets_path_is_below_the_development_root(
    root: str | None, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(DEVELOPMENT_ROOT, raising=False)
    if root is not None:
        monkeypatch.setenv(DEVELOPMENT_ROOT, root)
    assert socket_path("/run/x") == path
