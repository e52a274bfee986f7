"""The Python that the private environments stand on: the host's own, below /usr.

The services see /usr and nothing of /home or /opt, so an interpreter of pyenv or conda would
not start in their sandboxes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from psi.shared.errors import PsiError
from psictl.install.programs import run

CANDIDATES: Final = (
    "/usr/bin/python3", "/usr/bin/python3.13", "/usr/bin/python3.12", "/usr/bin/python3.11",
)  # fmt: skip
OLDEST: Final = (3, 11)
_ASK: Final = (
    "import json, os, sys, sysconfig; print(json.dumps({'real': os.path.realpath(sys.executable), "
    "'version': sys.version_info[:2], 'include': sysconfig.get_path('include')}))"
)


@dataclass(frozen=True)
class Interpreter:
    """A Python of the host."""

    path: str
    real: str
    """The file itself, which the sandboxes let run."""
    version: tuple[int, int]
    include: str
    """Where its C headers are, if they are installed."""

    @property
    def name(self) -> str:
        """Its name with the version, ``python3.11``, as Debian names its packages."""
        return "python{}.{}".format(*self.version)

    @property
    def tag(self) -> str:
        """Its tag in the names of wheels, ``cp311`` (PEP 425)."""
        return "cp{}{}".format(*self.version)


def find_interpreter(candidates: Sequence[str] = CANDIDATES) -> Interpreter:
    """Return the first interpreter that is new enough; raises PsiError where none is."""
    for path in candidates:
        if Path(path).is_file():
            interpreter = ask(path)
            if interpreter.version >= OLDEST:
                return interpreter
    wanted = "{}.{}".format(*OLDEST)
    raise PsiError(f"no Python {wanted} or later in /usr/bin: apt-get install python3 python3-venv")


@cache
def ask(path: str) -> Interpreter:
    """Return what an interpreter says of itself; raises PsiError where it does not run."""
    said = json.loads(run([path, "-I", "-c", _ASK], f"{path} does not run"))
    major, minor = said["version"]
    return Interpreter(path, said["real"], (major, minor), said["include"])
