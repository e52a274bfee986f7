"""A number for each booted host, and what is named by it: so several run at once."""

import fcntl
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from tests.system.cache import remove, scratch_folder, scratch_places
from tests.system.programs import PRIVATE_MOUNTS, run_program

SLOTS: Final = 30
"""Far more than a machine boots at once; the number is a part of an address."""
LOCKS: Final = Path("/run/psi-system-tests")
"""For the whole machine, since bridges and control groups are."""
_NSPAWN: Final = Path("/run/systemd/nspawn/propagate")
"""systemd-nspawn leaves its folder there where /run is no file system of its own."""
COMMAND_SECONDS: Final = 30.0
# A control group can be killed as a whole: whoever is in it is of a host of that number.
_SWEEP: Final = """\
umount -R /sys/fs/cgroup 2>/dev/null || :
mount -t cgroup2 cgroup2 /sys/fs/cgroup
cd "/sys/fs/cgroup/$1" 2>/dev/null || exit 0
echo 1 >cgroup.kill
for _ in $(seq 200); do
    grep -q 'populated 0' cgroup.events && break
    sleep 0.05
done
cd /
find "/sys/fs/cgroup/$1" -depth -type d -exec rmdir {} +
"""


@dataclass(slots=True)
class Slot:
    """One number, taken until ``release`` or this process's end."""

    number: int
    _lock: int
    _base: Path = field(default_factory=scratch_folder)

    @classmethod
    def take(cls) -> Self:
        """Take a free number and remove what a killed run left under it.

        Raises:
            AssertionError: when all are taken.

        """
        LOCKS.mkdir(mode=0o700, exist_ok=True)
        for number in range(1, SLOTS + 1):
            slot = cls._try(number)
            if slot is not None:
                slot.sweep()
                return slot
        raise AssertionError(f"all {SLOTS} hosts of {LOCKS} run already")

    @classmethod
    def sweep_all(cls) -> None:
        """End and remove what killed runs left, and nothing of those that live."""
        for number in range(1, SLOTS + 1):
            slot = cls._try(number) if (LOCKS / f"{number}.lock").exists() else None
            if slot is not None:
                slot.release()

    @classmethod
    def _try(cls, number: int) -> Self | None:
        fd = os.open(LOCKS / f"{number}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        return cls(number, fd)

    @property
    def name(self) -> str:
        """The host's name among the machine's containers and control groups."""
        return f"psi-test-{self.number}"

    @property
    def bridge(self) -> str:
        """The machine's end of its network."""
        return f"psitest{self.number}"

    @property
    def machine_address(self) -> str:
        """Where the host reaches the machine that the tests run on."""
        return f"10.213.{self.number}.1"

    @property
    def host_address(self) -> str:
        """Where the machine reaches the host."""
        return f"10.213.{self.number}.2"

    @property
    def other_address(self) -> str:
        """A second address of the machine: for what the host may not talk to."""
        return f"10.213.{self.number}.3"

    @property
    def folder(self) -> Path:
        """What the host writes, and its console."""
        return self._base / "hosts" / str(self.number)

    def prepare(self) -> None:
        """Make the empty folder and the bridge with its addresses."""
        for name in ("upper", "work", "merged", "containers"):
            (self.folder / name).mkdir(parents=True)
        _ip("link", "add", self.bridge, "type", "bridge")
        for address in (self.machine_address, self.other_address):
            _ip("address", "add", f"{address}/24", "dev", self.bridge)
        _ip("link", "set", self.bridge, "up")

    def sweep(self) -> None:
        """End and remove all that runs or lies under this number."""
        self.kill()
        show = ["ip", "link", "show", self.bridge]
        if subprocess.run(show, capture_output=True, check=False).returncode == 0:
            _ip("link", "delete", self.bridge)
        for base in scratch_places():
            remove(base / "hosts" / str(self.number))
        remove(_NSPAWN / self.name)

    def kill(self) -> None:
        """End every process of the host at once, as a power cut does."""
        run_program([*PRIVATE_MOUNTS, "/bin/sh", "-euc", _SWEEP, "sh", self.name], COMMAND_SECONDS)

    def release(self) -> None:
        """Sweep, and give the number back."""
        self.sweep()
        os.close(self._lock)


def _ip(*arguments: str) -> None:
    run_program(["ip", *arguments], COMMAND_SECONDS)
