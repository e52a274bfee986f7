"""The guest's disk: an installed host, and the part of these tests that runs in the guest."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.system.checkout import ROOT
from tests.system.programs import PRIVATE_MOUNTS, run_program

GUEST_FOLDER: Final = "usr/lib/psi-test"
"""Below /usr/lib, where the services' sandboxes let code be mapped and run."""
UNIT: Final = "psi-test@"
PORT: Final = "psitest"
"""The name of the virtio port that results come through."""
BUILD_SECONDS: Final = 300.0
"""Five, where nothing else runs."""
SIZE: Final = "3G"
"""Three times of what is on it; what is not written takes no place."""
_SCRIPT: Final = Path(__file__).resolve().with_name("disk.sh")
_SHOWN: Final = ("tests/system/qemu/guest", "tests/fakes/infisical")
_PORT_UNIT: Final = rf"dev-virtio\x2dports-{PORT}.device"
"""As systemd-escape(1) writes it."""
_UNIT_TEXT: Final = f"""\
[Unit]
Description=The tests in the guest
Wants={_PORT_UNIT}
After={_PORT_UNIT}
[Service]
Environment=PYTHONPATH=/{GUEST_FOLDER}
WorkingDirectory=/{GUEST_FOLDER}
ExecStart=/usr/bin/python3 -m tests.system.qemu.guest %i /dev/virtio-ports/{PORT}
StandardError=journal+console
ExecStopPost=/usr/bin/systemctl --no-block poweroff
"""
# All PSI's: their own deadlines are a host's, and here all is slower by ten and more.
_SLOW: Final = """\
[Service]
TimeoutStartSec=5min
TimeoutStopSec=2min
"""


def build_disk(layers: Sequence[Path], folder: Path, disk: Path) -> None:
    """Make a disk of these layers, topmost first; ``folder`` is for what lies above them."""
    upper = folder / "upper"
    for name in _SHOWN:
        target = upper / GUEST_FOLDER / name
        shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
    _write(upper / f"usr/lib/systemd/system/{UNIT}.service", _UNIT_TEXT)
    _write(upper / "usr/lib/systemd/system/psi-.service.d/slow.conf", _SLOW)
    lower = ":".join(map(str, layers))
    run_program(
        [*PRIVATE_MOUNTS, "/bin/sh", str(_SCRIPT), lower, str(folder), str(disk), SIZE],
        BUILD_SECONDS,
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
