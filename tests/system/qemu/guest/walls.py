"""What the kernel lets the services have: devices, memory, swap, tasks.

Each service's probe tries everything, in the service's own sandbox; at the end a child of it takes
more memory than the service may. The others differ in a line or two: they show that the same
attempt can succeed.
"""

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from tests.system.qemu.guest.commands import run, show
from tests.system.qemu.guest.probes import Probe, run_probes

PROCESSES: Final = ("frontend", "broker", "sealer", "pki")
MIB: Final = 1024 * 1024
BESIDE: Final = 48 * MIB
"""More than the interpreter itself takes; what stays this far below the limit fits."""
OTHER_NODE: Final = "/dev/psi-test-disk"
"""The guest's disk under another name, open to all users: only the device list is in the way."""
_DISK: Final = "/dev/nvme0n1"
_TPM: Final = "open /dev/tpmrm0 /dev/tpm0"
_SHOW_TPM: Final = ("BindPaths=/dev/tpmrm0", "SupplementaryGroups=tss")
_SHOW_NODE: Final = f"BindPaths={OTHER_NODE}"
_PAGE_OUT: Final = f"page-out {16 * MIB}"
_SMALL: Final = f"MemoryMax={64 * MIB}"
"""So that it costs little: what is tried there is not how much, but what then."""
_CHILD: Final = f"child-fills {MIB} {96 * MIB}"
_STOP_SECONDS: Final = 60
"""For systemd to hear of a kill and to stop the service; it takes a moment."""
_GOES_ON_SECONDS: Final = 5
"""Long after systemd has heard of it: what is not stopped by then is not stopped for this."""
_SWAP_FILE: Final = Path("/var/psi-test-swap")
_SWAP_MIB: Final = 128
_TWINS: Final = (
    # The broker, shown the TPM and given its group, with its sealed credential and without.
    Probe("broker-shown", "broker", (_TPM,), _SHOW_TPM),
    Probe("broker-bare-shown", "broker", (_TPM,), _SHOW_TPM, generated=False),
    Probe(
        "sealer-allowed",
        "sealer",
        (f"open {OTHER_NODE}", _PAGE_OUT),
        (_SHOW_NODE, f"DeviceAllow={OTHER_NODE} r", "MemorySwapMax=infinity"),
    ),
    Probe(
        "pki-goes-on",
        "pki",
        (f"{_CHILD} {_GOES_ON_SECONDS}",),
        (_SMALL, "OOMPolicy=continue"),
    ),
)


class Walls:
    """The services' limits as systemd has them, and the probes that hit them."""

    def __init__(self) -> None:
        self._limits = {process: _limits_of(process) for process in PROCESSES}
        self._services = [self._service(process) for process in PROCESSES]

    @property
    def probes(self) -> list[Probe]:
        """All of them, to be made known first."""
        return [*self._services, *_TWINS]

    def _service(self, process: str) -> Probe:
        memory, tasks = self._limits[process]["memory"], self._limits[process]["tasks"]
        trials = (
            f"{_TPM} {OTHER_NODE}",
            f"tasks {tasks + 1}",
            _PAGE_OUT,
            f"child-fills {memory - BESIDE} {memory + BESIDE} {_STOP_SECONDS}",
        )
        return Probe(process, process, trials, (_SHOW_NODE,))

    def look(self) -> dict[str, Any]:
        """Run all probes; return them with the limits that they met."""
        _make_node()
        _make_swap()
        # Two at once: all together would not fit into the guest's memory.
        found = [run_probes(pair) for pair in _pairs(self._services)]
        found.append(run_probes(_TWINS))
        probes = {name: facts for part in found for name, facts in part.items()}
        return {"limits": self._limits, "probes": probes}


def _pairs(probes: list[Probe]) -> Iterable[list[Probe]]:
    return (probes[first : first + 2] for first in range(0, len(probes), 2))


def _limits_of(process: str) -> dict[str, int]:
    told = show(f"psi-{process}.service", "MemoryMax", "TasksMax")
    return {"memory": int(told["MemoryMax"]), "tasks": int(told["TasksMax"])}


def _make_node() -> None:
    os.mknod(OTHER_NODE, stat.S_IFBLK, Path(_DISK).stat().st_rdev)
    Path(OTHER_NODE).chmod(0o666)


def _make_swap() -> None:
    run(["fallocate", "--length", f"{_SWAP_MIB}MiB", str(_SWAP_FILE)])
    _SWAP_FILE.chmod(0o600)
    run(["mkswap", str(_SWAP_FILE)])
    run(["swapon", str(_SWAP_FILE)])
