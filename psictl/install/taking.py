"""The suite's wheel is fetched, and the psictl that is inside it does the work.

Which units there are and how they are put in place changes from version to version, so a psictl
of another version hands over to the one that it installs.
"""

import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from psi.shared.errors import PsiError
from psictl.install.interpreter import find_interpreter
from psictl.install.looking import check_host
from psictl.install.pip import Pip, bootstrap
from psictl.install.request import Request, Tell
from psictl.install.shipped import shipped_folder
from psictl.install.source import Suite, describe, find_source, take_suite
from psictl.install.versions import complete

_HANDED_OVER: Final = "PSI_INSTALL_HANDED_OVER"
"""Set for the psictl that was handed over to: it does not do so again."""
_UNITS: Final = "psictl/install/systemd/"
_PACKAGE: Final = Path(__file__).resolve().parents[1]


@dataclass
class Taken:
    """What is installed, and pip, which is set up when it is first needed."""

    suite: Suite
    request: Request
    scratch: Path
    tell: Tell
    _pip: Pip | None = None

    @property
    def pip(self) -> Pip:
        """Return pip in a folder that is thrown away; raises PsiError."""
        if self._pip is None:
            self._pip = _start_pip(self.request, self.scratch, self.tell)
        return self._pip


def take(request: Request, scratch: Path, tell: Tell) -> Taken:
    """Find the wheel, or build it from a source folder; raises PsiError."""
    source = find_source(request.source, request.wheelhouse)
    build = source.is_dir() or not complete(request.places)
    check_host(request, find_interpreter(request.interpreters), build=build)
    if source.is_file():
        return Taken(describe(source), request, scratch, tell)
    pip = _start_pip(request, scratch, tell)
    tell("building the wheel")
    folder = scratch / "wheel"
    folder.mkdir()
    return Taken(take_suite(source, pip, folder), request, scratch, tell, pip)


def is_own(suite: Suite) -> bool:
    """Whether the wheel has the psictl that runs now, unit files included."""
    if _HANDED_OVER in os.environ:
        return True
    units = shipped_folder()
    with zipfile.ZipFile(suite.wheel) as archive:
        for name in archive.namelist():
            if name.startswith("psictl/"):
                file = _PACKAGE / name.removeprefix("psictl/")
                if name.startswith(_UNITS):
                    file = units / name.removeprefix(_UNITS)
                if not file.is_file() or file.read_bytes() != archive.read(name):
                    return False
    return True


def hand_over(taken: Taken, arguments: list[str]) -> int:
    """Run the wheel's own psictl with these arguments and return its exit code.

    Raises PsiError where it cannot be started.
    """
    taken.tell(f"psi-suite {taken.suite.version} installs itself")
    pip = taken.pip
    pip.install(pip.python, [f"{taken.suite.wheel}[ctl]"], taken.suite.wheel.parent)
    try:
        done = subprocess.run(
            [pip.python, "-I", "-m", "psictl", *arguments, "--from", taken.suite.wheel],
            env={**os.environ, _HANDED_OVER: "1"},
            check=False,
        )
    except OSError as error:
        raise PsiError(f"the new psictl did not start: {error.strerror}") from error
    return done.returncode


def own_arguments() -> list[str]:
    """Return this command line without ``--from``, which the next one gets anew."""
    arguments, kept = iter(sys.argv[1:]), []
    for argument in arguments:
        if argument == "--from":
            next(arguments, None)
        elif not argument.startswith("--from="):
            kept.append(argument)
    return kept


def _start_pip(request: Request, scratch: Path, tell: Tell) -> Pip:
    tell("setting up pip")
    interpreter = find_interpreter(request.interpreters)
    return bootstrap(interpreter, scratch / "pip", request.wheelhouse)
