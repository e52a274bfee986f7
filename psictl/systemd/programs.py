"""systemd's own programs, in a bare environment: what they print must not depend on the caller."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from psi.shared.errors import Unreachable
from psi.shared.names import printable

ASK_SECONDS: Final = 30.0
"""PID 1 answers in milliseconds, but for a reload, whose generators may take seconds."""
_WORDS: Final = 200
"""Characters of what a program says on stderr that a message repeats."""


@dataclass(frozen=True)
class Done:
    """How a program ended."""

    code: int
    out: str
    said: str
    """The first characters of its stderr, printable."""


def ask(argv: Sequence[str]) -> Done:
    """Run a program that only tells; raises Unreachable where it does not, or not in time."""
    variables = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    try:
        done = subprocess.run(
            argv,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ASK_SECONDS,
            check=False,
        )
    except OSError as error:
        raise Unreachable(f"{argv[0]} does not run: {error.strerror}; install systemd") from error
    except subprocess.TimeoutExpired:
        raise Unreachable(
            f"systemd did not answer {argv[0]} within {ASK_SECONDS:g} s; see journalctl -b _PID=1"
        ) from None
    said = printable(done.stderr.decode("utf-8", "replace").strip(), _WORDS)
    return Done(done.returncode, done.stdout.decode("utf-8", "replace"), said)
