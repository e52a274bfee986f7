"""A virtual machine in software: QEMU without KVM, with a TPM that swtpm emulates."""

import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from tests.system.ability import Lack
from tests.system.programs import ENDS_WITH_US
from tests.system.qemu.disk import PORT, UNIT, build_disk
from tests.system.qemu.findings import Findings
from tests.system.slot import Slot

BOOT_SECONDS: Final = 900.0
"""A minute or two on two cores with nothing else to do; only a failure takes so long."""
TPM_SECONDS: Final = 30.0
PROGRAMS: Final = {
    "qemu-system-x86_64": "qemu-system-x86",
    "swtpm": "swtpm",
    "mke2fs": "e2fsprogs",
}
"""What runs on the machine, and the Debian package that brings it."""
_POLL_SECONDS: Final = 0.05
CPU: Final = "max,cx16=off,la57=off,pku=off"
"""cx16: QEMU 7.2 now and then leaves garbage in the flags after it (a kernel panic in kmalloc, as
a double fault); without it the kernel does without. The others only cost time in software."""
_MASKED: Final = (
    # They wait for what this machine has not, or serve nobody.
    "test-network.service", "serial-getty@ttyS0.service", "systemd-logind.service",
    "netavark-dhcp-proxy.socket", "podman-auto-update.timer",
)  # fmt: skip  # one list
_KERNEL_ARGUMENTS: Final = (
    "console=ttyS0", "root=/dev/nvme0n1", "rw", "panic=-1", "mitigations=off", "quiet",
    "systemd.show_status=0", "systemd.condition_needs_update=0",
    *(f"systemd.mask={unit}" for unit in _MASKED),
)  # fmt: skip  # one list


class MachineFailed(AssertionError):
    """The machine did not start, or did not power itself off in time; the text has its console."""


class Machine:
    """A disk and a TPM, which keep what is written to them from one boot to the next."""

    def __init__(self, kernel: Path, layers: Sequence[Path]) -> None:
        """Prepare a machine with the layers of a host, topmost first, on its disk."""
        self._kernel = kernel
        self._layers = layers
        self._slot = Slot.take()
        self._folder = self._slot.folder
        self._disk = self._folder / "disk"
        self._tpm_state = self._folder / "tpm"

    def __enter__(self) -> Self:
        try:
            self._tpm_state.mkdir(parents=True)
            build_disk(self._layers, self._folder, self._disk)
        except BaseException:
            self._slot.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._slot.release()

    def boot(self, stage: str) -> Findings:
        """Boot, run a stage of the guest's tests until it powers off, and return what it saw."""
        said, console = self._folder / f"{stage}.json", self._folder / f"{stage}.console"
        socket = self._folder / "tpm.sock"
        socket.unlink(missing_ok=True)
        with subprocess.Popen(self._tpm(socket)) as tpm:
            try:
                self._wait_for(socket, tpm)
                self._run(self._machine(stage, socket, said, console), console)
            finally:
                tpm.kill()
        return Findings(said.read_text(errors="replace"), _tail(console))

    def _tpm(self, socket: Path) -> list[str]:
        return [
            *ENDS_WITH_US, "swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self._tpm_state}",
            "--ctrl", f"type=unixio,path={socket}", "--flags", "startup-clear", "--terminate",
        ]  # fmt: skip  # one command line

    def _wait_for(self, socket: Path, tpm: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + TPM_SECONDS
        while not socket.is_socket():
            if tpm.poll() is not None or time.monotonic() > deadline:
                raise MachineFailed(f"swtpm made no socket within {TPM_SECONDS:g} s")
            time.sleep(_POLL_SECONDS)

    def _machine(self, stage: str, socket: Path, said: Path, console: Path) -> list[str]:
        arguments = " ".join((*_KERNEL_ARGUMENTS, f"systemd.wants={UNIT}{stage}.service"))
        return [
            *ENDS_WITH_US, "qemu-system-x86_64",
            "-machine", "pc", "-accel", "tcg,thread=multi", "-cpu", CPU, "-smp", "2",
            "-m", "2048", "-nodefaults", "-display", "none", "-no-reboot",
            "-serial", f"file:{console}",
            "-drive", f"file={self._disk},format=raw,if=none,id=root,cache=unsafe",
            "-device", "nvme,drive=root,serial=root",
            "-chardev", f"socket,id=tpm,path={socket}",
            "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm0",
            "-device", "virtio-serial-pci", "-chardev", f"file,id=port,path={said}",
            "-device", f"virtserialport,chardev=port,name={PORT}",
            "-kernel", str(self._kernel), "-append", arguments,
        ]  # fmt: skip  # one command line

    def _run(self, argv: list[str], console: Path) -> None:
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as machine:
            try:
                _, told = machine.communicate(timeout=BOOT_SECONDS)
            except subprocess.TimeoutExpired:
                machine.kill()
                raise MachineFailed(
                    f"the guest did not power off within {BOOT_SECONDS:g} s:\n{_tail(console)}"
                ) from None
        if machine.returncode != 0:
            raise MachineFailed(f"QEMU exited with {machine.returncode}: {told.decode()}")


def _tail(console: Path) -> str:
    """Return the end of what the guest wrote to its serial console."""
    return console.read_text(errors="replace")[-3000:] if console.exists() else "(no console)"


def lack() -> Lack | None:
    """Return what keeps this machine from running a guest, beside what all hosts need; or None."""
    missing = sorted({package for name, package in PROGRAMS.items() if shutil.which(name) is None})
    if not missing:
        return None
    return Lack("qemu", f"apt-get install --no-install-recommends {' '.join(missing)}")
