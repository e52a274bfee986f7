"""A listening socket: another user, and one connection too many."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from psi.shared.limits import Limits
from psi.shared.messages.base import Done, Reply, Request
from psi.shared.messages.broker import Ping, Pong
from psi.shared.peer import DEVELOPMENT_UID, Peer
from psi.shared.processes import Process
from tests.unit.shared.loops import Run, until
from tests.unit.shared.wire import Recorder, Wire, frame, serving

pytestmark = pytest.mark.usefixtures("own_uid_accepted")


@pytest.mark.parametrize(
    ("caller", "limits"),
    [
        (Process.FRONTEND, Limits(broker_connections=2)),
        (Process.PKI, Limits(pki_connections=2)),
    ],
)
def test_one_connection_more_than_the_limit_closes(
    caller: Process, limits: Limits, run: Run, path: Path
) -> None:
    asked: list[Request] = []

    def pong(request: Request, _peer: Peer) -> Reply:
        asked.append(request)
        return Pong()

    async def scenario() -> None:
        async with serving(path, pong, caller, limits) as endpoint:
            kept = [await Wire.connect(path, caller) for _ in range(2)]
            await until(lambda: len(endpoint.connections) == 2)
            more = await Wire.connect(path, caller)
            await more.send(frame(Ping(id=1)))
            assert await more.rest() == b""
            assert asked == []
            assert await kept[0].ask(Ping(id=2)) == Pong(id=2)
            kept.pop().close()
            await until(lambda: len(endpoint.connections) == 1)
            assert await (await Wire.connect(path, caller)).ask(Ping(id=3)) == Pong(id=3)

    run(scenario())


_STRANGER = """
import os, socket, sys
uid = int(sys.argv[3])
os.setresuid(uid, uid, uid)
stranger = socket.socket(socket.AF_UNIX)
stranger.settimeout(20)
stranger.connect(sys.argv[1])
try:
    stranger.sendall(bytes.fromhex(sys.argv[2]))
    received = stranger.recv(100)
except ConnectionError:
    received = b""
print(received.hex())
"""


def _child(path: Path, uid: int) -> str:
    """Return what a process of another user receives for a good request."""
    arguments = (str(path), frame(Ping(id=1)).hex(), str(uid))
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _STRANGER, *arguments],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return done.stdout.strip()


def _stranger_and_accepted() -> tuple[int, int]:
    """Return the uid of a stranger, and of whom the server accepts.

    Without root nobody can be another user: then the server expects somebody else.
    """
    own = os.geteuid()
    return (65_534, own) if own == 0 else (own, own + 1)


def _open_to_all(path: Path) -> None:
    """Let everybody connect: here it is the kernel's credentials that must decide."""
    path.parent.chmod(0o711)
    path.chmod(0o666)


def _visited(
    path: Path, visitor: int, check: Callable[[str, Recorder, int], None]
) -> Coroutine[Any, Any, None]:
    async def scenario() -> None:
        recorder = Recorder()
        async with serving(path, recorder) as endpoint:
            _open_to_all(path)
            received = await asyncio.to_thread(_child, path, visitor)
            check(received, recorder, endpoint.protocol_errors)

    return scenario()


def test_another_uid_is_refused(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger, accepted = _stranger_and_accepted()
    monkeypatch.setenv(DEVELOPMENT_UID, str(accepted))

    def check(received: str, recorder: Recorder, errors: int) -> None:
        assert (received, recorder.requests, errors) == ("", [], 1)

    run(_visited(path, stranger, check))


def test_the_accepted_uid_is_served(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger, _ = _stranger_and_accepted()
    monkeypatch.setenv(DEVELOPMENT_UID, str(stranger))

    def check(received: str, recorder: Recorder, errors: int) -> None:
        assert received == frame(Done(id=1)).hex()
        assert (recorder.requests, errors) == ([Ping(id=1)], 0)
        assert recorder.peers[0].uid == stranger

    run(_visited(path, stranger, check))


def test_a_stranger_that_stays_is_closed(
    run: Run, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DEVELOPMENT_UID, str(os.getuid() + 1))

    async def scenario() -> None:
        async with serving(path, Recorder()) as endpoint:
            with socket.socket(socket.AF_UNIX) as stranger:
                stranger.setblocking(False)
                stranger.connect(str(path))
                await until(lambda: endpoint.protocol_errors)
                await until(lambda: not endpoint.connections)

    run(scenario())
