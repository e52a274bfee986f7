"""What the device helpers share: their programs, and how a missing one fails a test."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

COMMAND_SECONDS = 60
"""A key generation on a loaded machine takes a few seconds."""
MAX_SOCKET_PATH = 100
"""unix(7) allows 107 bytes; swtpm's control socket has ``.ctrl`` appended."""


class EmulatorError(Exception):
    """An emulator did not start, or one of its tools failed."""


def need(device: str, package: str, *programs: str | Path) -> None:
    """Fail the test where a program or file is missing, unless PSI_TESTS_WITHOUT names the device.

    ``device`` is ``swtpm``, ``softhsm`` or ``tpm2-pkcs11``.
    """
    missing = [str(program) for program in programs if shutil.which(program) is None]
    missing = [program for program in missing if not Path(program).is_file()]
    if not missing:
        return
    if device in os.environ.get("PSI_TESTS_WITHOUT", "").split(","):
        pytest.skip(f"PSI_TESTS_WITHOUT names {device}")
    remedy = f"apt-get install {package} (or set PSI_TESTS_WITHOUT={device})"
    pytest.fail(f"{', '.join(missing)} is missing: {remedy}")


def run(command: list[str], environment: dict[str, str] | None = None) -> str:
    """Run a tool to its end and return what it printed; raises EmulatorError."""
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise EmulatorError(f"{' '.join(command)}: {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout
