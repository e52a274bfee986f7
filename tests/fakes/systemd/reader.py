"""The real systemd reads units and says what it understood; it starts nothing.

``systemd --test --user`` loads units and prints every setting as it took it (systemd(1)). It
refuses to do so as root, so it runs as nobody then.
"""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.fakes.devices.emulator import COMMAND_SECONDS, need

PROGRAM = Path("/usr/lib/systemd/systemd")
_USUAL = "/usr/lib/systemd/user"


def read_units(unit: str, files: Mapping[str, bytes | Path]) -> tuple[list[str], str]:
    """Return the settings that systemd prints of a unit, ``Name: value``, and its warnings.

    ``files`` are units and drop-ins by their paths below one folder of units; a Path is a link.
    """
    need("systemd", "systemd", PROGRAM)
    with tempfile.TemporaryDirectory(prefix="psi-units-") as name:
        folder = Path(name)
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                (folder / path).symlink_to(content)
            else:
                (folder / path).write_bytes(content)
        return _read(unit, folder)


def _read(unit: str, folder: Path) -> tuple[list[str], str]:
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, pwd.getpwnam(user).pw_uid, -1, follow_symlinks=False)
    done = subprocess.run(
        [PROGRAM, "--test", "--user", f"--unit={unit}", "--no-pager"],
        env={"SYSTEMD_UNIT_PATH": f"{folder}:{_USUAL}", "XDG_RUNTIME_DIR": str(folder),
             "SYSTEMD_LOG_LEVEL": "notice", "SYSTEMD_LOG_TARGET": "console"},
        user=user, cwd="/", capture_output=True, timeout=COMMAND_SECONDS, check=False,
    )  # fmt: skip  # what it is given, then how it runs
    lines = done.stdout.decode().split("\n")
    start = f"\t-> Unit {unit}:"
    assert start in lines, done.stderr
    ours = lines[lines.index(start) + 1 :]
    ends = [index for index, line in enumerate(ours) if line.startswith(("\t->", "->"))]
    return [line.strip("\t") for line in ours[: ends[0] if ends else None]], done.stderr.decode()
