"""Who is at the other end: the kernel's word about real processes."""

import contextlib
import os
import pwd
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from psi.shared.errors import ConfigError
from psi.shared.peer import DEVELOPMENT_UID, Peer, accepted_uids, peer_of, peer_pidfd
from psi.shared.processes import Process
from tests.unit.shared.wire import listening

_CONNECT = (
    "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.recv(1)"
)
_HAS_PIDFD = tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 5)


@contextlib.contextmanager
def _child(path: Path) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    """Give a child process that is connected, and this end of its connection."""
    with listening(path) as listener:
        listener.settimeout(20)
        child = subprocess.Popen([sys.executable, "-I", "-S", "-c", _CONNECT, str(path)])
        try:
            connection, _ = listener.accept()
            with connection:
                yield child, connection
        finally:
            child.kill()
            child.wait()


def test_a_peer_is_a_childs_pid_uid_and_gid(path: Path) -> None:
    with _child(path) as (child, connection):
        assert peer_of(connection) == Peer(child.pid, os.getuid(), os.getgid())


def test_a_peer_may_be_oneself() -> None:
    here, there = socket.socketpair()
    with here, there:
        assert peer_of(here) == Peer(os.getpid(), os.getuid(), os.getgid())


def test_credentials_are_those_of_connect_time(path: Path) -> None:
    with _child(path) as (child, connection):
        child.kill()
        child.wait()
        assert peer_of(connection).pid == child.pid


def _pid_of(pidfd: int) -> int:
    """Return the pid that a pidfd names (proc_pid_fdinfo(5)), -1 for one that is gone."""
    lines = Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines()
    (pid,) = (line.partition(":")[2] for line in lines if line.startswith("Pid:"))
    return int(pid)


def test_a_pidfd_names_the_peer_where_the_kernel_has_it(path: Path) -> None:
    with _child(path) as (child, connection):
        pidfd = peer_pidfd(connection)
        assert (pidfd is not None) is _HAS_PIDFD
        if pidfd is not None:
            assert _pid_of(pidfd) == child.pid
            assert not os.get_inheritable(pidfd)
            os.close(pidfd)


def test_a_pidfd_tells_that_the_peer_ended(path: Path) -> None:
    with _child(path) as (child, connection):
        pidfd = peer_pidfd(connection)
        child.kill()
        child.wait()
        assert (pidfd is not None) is _HAS_PIDFD
        if pidfd is not None:
            assert select.select([pidfd], [], [], 20)[0] == [pidfd]
            os.close(pidfd)


def test_a_peer_that_is_gone_raises_nothing(path: Path) -> None:
    with _child(path) as (child, connection):
        child.kill()
        child.wait()
        pidfd = peer_pidfd(connection)
        if pidfd is not None:
            assert _pid_of(pidfd) == -1
            os.close(pidfd)


def test_a_socket_without_a_peer_has_no_pidfd() -> None:
    with socket.socket(socket.AF_UNIX) as alone:
        assert peer_pidfd(alone) is None


@pytest.mark.parametrize("role", [Process.CTL, Process.HTTP])
def test_only_root_may_connect_in_a_persons_role(
    role: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(DEVELOPMENT_UID, raising=False)
    assert accepted_uids(role) == {0}


def test_without_the_services_user_it_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEVELOPMENT_UID, raising=False)
    with pytest.raises(ConfigError, match="no user psi-no-such-user; run systemd-sysusers"):
        accepted_uids(_role_of("psi-no-such-user"))


def test_a_services_user_may_connect_and_so_may_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEVELOPMENT_UID, raising=False)
    assert accepted_uids(_role_of("nobody")) == {0, pwd.getpwnam("nobody").pw_uid}


def _role_of(user: str) -> Process:
    """Return a role of another user: whether the suite's own exist is up to the host."""
    return cast("Process", SimpleNamespace(user=user))


@pytest.mark.parametrize("role", Process)
def test_below_a_development_host_the_caller_alone_may_connect(
    role: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DEVELOPMENT_UID, "4711")
    assert accepted_uids(role) == {4711}
