"""Starts a real service process the way systemd does: passed sockets, credentials, notify."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

from psi.shared.projection import BrokerProjection, encode_projection

_START_SECONDS = 20
_BACKLOG = 4096


def listening(path: Path) -> socket.socket:
    """Return a listening Unix socket at a path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.bind(str(path))
    sock.listen(_BACKLOG)
    return sock


class ServiceProcess:
    """One service under test: ``kill``, ``stop`` and start again on the same sockets."""

    def __init__(
        self,
        name: str,
        root: Path,
        sockets: dict[str, socket.socket],
        *,
        limits: dict[str, float] | None = None,
        projection: BrokerProjection | None = None,
    ) -> None:
        self.name = name
        self.root = root
        self.sockets = sockets
        self.log = root / f"{name}.log"
        self.credentials = root / "credentials" / name
        self.credentials.mkdir(parents=True, exist_ok=True)
        if limits:
            (self.credentials / "limits.json").write_text(json.dumps(limits))
        if projection is not None:
            (self.credentials / "config.json").write_bytes(encode_projection(projection))
        self.process: subprocess.Popen[bytes] | None = None

    def environment(self, notify: Path) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LISTEN_FDS": str(len(self.sockets)),
            "LISTEN_FDNAMES": ":".join(self.sockets),
            "NOTIFY_SOCKET": str(notify),
            "CREDENTIALS_DIRECTORY": str(self.credentials),
            "PSI_DEV_PEER_UID": str(os.getuid()),
            "PSI_DEV_ROOT": str(self.root),
        }

    def start(self) -> Self:
        """Start it and wait for READY=1; raises with its log where that does not come."""
        notify_path = self.root / f"{self.name}.notify"
        with contextlib.suppress(FileNotFoundError):
            notify_path.unlink()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(notify_path))
            notify.settimeout(_START_SECONDS)
            self.process = self._spawn(notify_path)
            try:
                while b"READY=1" not in notify.recv(4096):
                    pass
            except TimeoutError:
                self.kill()
                raise AssertionError(f"{self.name} is not ready: {self.text()}") from None
        return self

    def _spawn(self, notify: Path) -> subprocess.Popen[bytes]:
        # Moved up first, so that no redirection to 3, 4, ... overwrites one still to be used.
        moved = [fcntl.fcntl(s.fileno(), fcntl.F_DUPFD, 100) for s in self.sockets.values()]
        shell = " ".join(f"{3 + i}<&{fd}" for i, fd in enumerate(moved))
        script = f'LISTEN_PID=$$ exec "$@" {shell}'
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                ["/bin/bash", "-c", script, "sh", sys.executable, "-m", f"psi.{self.name}"],
                env=self.environment(notify),
                pass_fds=moved,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        for fd in moved:
            os.close(fd)
        return process

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self, seconds: float = 15) -> int:
        """SIGTERM, and its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        if self.process is not None:
            self.process.wait(10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.kill()
