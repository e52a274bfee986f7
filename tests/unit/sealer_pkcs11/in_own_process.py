"""Runs lines of Python in a process of their own: a module is initialised once in each."""

import os
import subprocess
import sys
from pathlib import Path

from tests.unit.sealer_pkcs11.setting import Token

_ROOT = Path(__file__).resolve().parents[3]
_SECONDS = 60
_PRELUDE = """
import sys
from psi.sealer.backends.pkcs11 import Pkcs11Backend
from psi.sealer.device_error import DeviceError
from psi.shared.projection import Pkcs11Options
from psi.shared.secret import SecretBytes
module, token_label, key_label, pin = sys.argv[1:]
options = Pkcs11Options(module=module, token_label=token_label, key_label=key_label)
device = Pkcs11Backend(options, SecretBytes(pin.encode()))
"""


def run_lines(
    lines: str, token: Token, pin: str, module: str = "", environment: dict[str, str] | None = None
) -> str:
    """Return what the lines print; ``device``, ``module``, ``token_label``, ``pin`` are set."""
    command = [sys.executable, "-c", _PRELUDE + lines, module or token.module]
    done = subprocess.run(
        [*command, token.label, token.key_label, pin],
        cwd=_ROOT,
        env={**os.environ, **token.environment, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
