"""A TPM 2.0 in software, as a process of its own: swtpm on a Unix socket.

The state outlives the process, as a chip's does; a restart clears PCRs and transient objects.
"""

import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.fakes.devices.emulator import MAX_SOCKET_PATH, EmulatorError, need, run

_START_SECONDS = 20
_STOP_SECONDS = 10
_POLL_SECONDS = 0.01


class SwTpm:
    """A TPM in a folder; ``start`` it or use it as a context manager.

    The folder's path must be short: both sockets lie in it (unix(7): 107 bytes).
    """

    def __init__(self, folder: Path) -> None:
        need("swtpm", "swtpm tpm2-tools", "swtpm", "tpm2_pcrextend")
        self.folder = folder.absolute()
        self.socket = self.folder / "tpm"
        self.control = self.folder / "tpm.ctrl"
        self.log = self.folder / "swtpm.log"
        self._process: subprocess.Popen[bytes] | None = None
        if len(str(self.control)) > MAX_SOCKET_PATH:
            raise EmulatorError(f"{self.control}: too long for a socket; use a shorter folder")

    @property
    def tcti(self) -> str:
        """How tpm2-tss reaches it."""
        return f"swtpm:path={self.socket}"

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Start it, as power-on does, and wait until it answers; raises EmulatorError."""
        state = self.folder / "state"
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in (self.socket, self.control):
            path.unlink(missing_ok=True)
        command = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}"]
        command += ["--server", f"type=unixio,path={self.socket}"]
        command += ["--ctrl", f"type=unixio,path={self.control}"]
        command += ["--flags", "startup-clear"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._await_sockets()
        return self

    def _await_sockets(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS
        while not (_connects(self.socket) and _connects(self.control)):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise EmulatorError(f"swtpm does not start: {self.log.read_text()}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End it in order; nothing happens where it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut does."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Power off and on: PCRs are zero again, transient objects and sessions are gone."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """Make it hang: commands wait until :meth:`resume`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after :meth:`pause`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def tool(self, *command: str) -> str:
        """Run one of tpm2-tools on it while no one else is connected; raises EmulatorError."""
        return run(list(command), {"TPM2TOOLS_TCTI": self.tcti})

    def extend(self, pcr: int, value: bytes = b"\x01" * 32) -> None:
        """Extend a PCR of the SHA-256 bank, as a changed boot does."""
        self.tool("tpm2_pcrextend", f"{pcr}:sha256={value.hex()}")

    def clear(self) -> None:
        """Forget the owner's seed, as TPM2_Clear does: nothing sealed before can be opened."""
        self.tool("tpm2_clear")

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(number)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_STOP_SECONDS)
        self._process = None


def _connects(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
