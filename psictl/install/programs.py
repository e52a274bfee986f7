"""Other programs, run by the installer: their last words become the error."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from psi.shared.errors import PsiError
from psi.shared.names import printable

QUICK_SECONDS: Final = 120
"""For a program that only looks something up: also a loaded machine is done by then."""
BUILD_SECONDS: Final = 1800
"""tpm2-pytss compiles in 45 s on two fast cores; a small board takes twenty times that."""
_PATH: Final = ":/usr/sbin:/usr/bin:/sbin:/bin"
"""Behind the caller's: a root shell that came by su may lack the sbin folders."""
Argument = str | Path
_LAST_LINES: Final = 6
_LAST_CHARACTERS: Final = 900


def run(
    argv: Sequence[Argument],
    failed: str,
    *,
    seconds: float = QUICK_SECONDS,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a program and return its stdout; files that it makes are readable to all (022).

    ``failed`` begins the error's text. Raises PsiError where it is missing, fails or hangs.
    """
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**_environment(), **(environment or {})},
            cwd="/",
            umask=0o022,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PsiError(f"{failed}: {argv[0]} did not end within {seconds:.0f} s") from error
    except OSError as error:
        raise PsiError(f"{failed}: {argv[0]} did not start: {error.strerror}") from error
    if done.returncode != 0:
        raise PsiError(f"{failed}: {last_words(done.stderr or done.stdout)}")
    return done.stdout.decode("utf-8", "replace")


def succeeds(argv: Sequence[Argument]) -> bool:
    """Return whether a program is there and ends with 0."""
    try:
        run(argv, "")
    except PsiError:
        return False
    return True


def last_words(output: bytes) -> str:
    """Return the last lines of a program's output, as one printable line."""
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines()]
    text = " / ".join([line for line in lines if line][-_LAST_LINES:])
    return printable(text, _LAST_CHARACTERS) or "it said nothing"


def _environment() -> dict[str, str]:
    """Return this process's environment without what changes Python's or systemd's behaviour."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "SYSTEMD_"))}
    return {
        **kept,
        "LC_ALL": "C.UTF-8",
        "PATH": f"{kept.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin",
    }
