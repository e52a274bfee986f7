"""One boot of a host: from systemd-nspawn's start to its end."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.system.programs import ENDS_WITH_US, PRIVATE_MOUNTS
from tests.system.slot import Slot

START_SECONDS: Final = 120.0
"""One or two where nothing else runs; a unit that hangs at boot ends after its own timeout."""
STOP_SECONDS: Final = 60.0
_SCRIPT: Final = Path(__file__).resolve().with_name("boot.sh")
_LEADER: Final = b"X_NSPAWN_LEADER_PID="


class BootFailed(AssertionError):
    """The host did not come up or go down in time; the text has its console."""


class Boot:
    """A running systemd-nspawn; ``leader`` is the guest's PID 1 as this machine counts."""

    def __init__(
        self, slot: Slot, layers: Sequence[Path], options: Sequence[str], *, wait: bool
    ) -> None:
        self._slot = slot
        self.leader = 0
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(f"\0{slot.name}")
            self._process = self._spawn(layers, options)
            self._wait_leader(notify)
            if wait:
                self._wait_ready(notify)

    @property
    def _console(self) -> Path:
        return self._slot.folder / "console.log"

    def _spawn(self, layers: Sequence[Path], options: Sequence[str]) -> "subprocess.Popen[bytes]":
        with self._console.open("ab") as console:
            return subprocess.Popen(
                [
                    *ENDS_WITH_US, *PRIVATE_MOUNTS, "/bin/sh", str(_SCRIPT),
                    self._slot.name, ":".join(map(str, layers)), str(self._slot.folder),
                    f"--network-bridge={self._slot.bridge}", *options,
                ],
                env={"PATH": os.environ["PATH"], "NOTIFY_SOCKET": f"@{self._slot.name}"},
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )  # fmt: skip  # one command line

    def _wait_leader(self, notify: socket.socket) -> None:
        lines = self._hear(notify, _LEADER)
        self.leader = int(next(line for line in lines if line.startswith(_LEADER))[len(_LEADER) :])

    def _wait_ready(self, notify: socket.socket) -> None:
        """Wait until the guest's systemd has started all that it starts at boot."""
        self._hear(notify, b"READY=1")

    def _hear(self, notify: socket.socket, wanted: bytes) -> list[bytes]:
        deadline = time.monotonic() + START_SECONDS
        notify.settimeout(1.0)  # to see in between whether it has ended
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                lines = notify.recv(4096).split(b"\n")
            except TimeoutError:
                continue
            if any(line.startswith(wanted) for line in lines):
                return lines
        raise BootFailed(
            f"the host did not say {wanted.decode()} within {START_SECONDS:g} s "
            f"(systemd-nspawn: {self._process.poll()}):\n{self.console()}"
        )

    def console(self) -> str:
        """Return the end of what it wrote to its console."""
        return self._console.read_text(errors="replace")[-4000:]

    def power_off(self) -> None:
        """Shut down in order, as ``poweroff`` does; bounded by STOP_SECONDS."""
        if self._process.poll() is None:
            os.kill(self.leader, signal.SIGRTMIN + 4)
        self.wait_end()

    def wait_end(self) -> None:
        """Wait for the guest's own shutdown or reboot, and remove what is left of its processes.

        Raises:
            BootFailed: when it does not end within STOP_SECONDS; it is killed then.

        """
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise BootFailed(
                f"the host did not go down within {STOP_SECONDS:g} s:\n{self.console()}"
            ) from None
        self._slot.kill()

    def kill(self) -> None:
        """End everything at once."""
        self._slot.kill()
        self._process.wait(STOP_SECONDS)
