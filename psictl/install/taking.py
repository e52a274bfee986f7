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
from psictl.install.pip import Pip, find_pip, make_pip
from psictl.install.request import Request, Tell
from psictl.install.shipped import shipped_folder
from psictl.install.source import Suite, describe, find_source, take_suite
from psictl.install.versions import complete

HANDED_OVER: Final = "PSI_INSTALL_HANDED_OVER"
"""Set for the psictl that was handed over to: it does not do so again."""
_UNITS: Final = "psictl/install/systemd/"
PACKAGE: Final = Path(__file__).resolve().parents[1]


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
            self.tell("setting up pip")
            interpreter = find_interpreter(self.request.interpreters)
            self._pip = find_pip(interpreter, self.scratch / "pip", self.request.wheelhouse)
        return self._pip


def take(request: Request, scratch: Path, tell: Tell) -> Taken:
    """Find the wheel, or build it from a source folder; raises PsiError."""
    source = find_source(request.source, request.wheelhouse)
    build = source.is_dir() or not complete(request.places)
    check_host(request, find_interpreter(request.interpreters), build=build)
    if source.is_file():
        return Taken(describe(source), request, scratch, tell)
    pip = find_pip(find_interpreter(request.interpreters), scratch / "pip", request.wheelhouse)
    tell("building the wheel")
    folder = scratch / "wheel"
    folder.mkdir()
    return Taken(take_suite(source, pip, folder), request, scratch, tell, pip)


def is_own(suite: Suite, package: Path = PACKAGE, units: Path | None = None) -> bool:
    """Whether the wheel has the psictl that runs now, unit files included."""
    if HANDED_OVER in os.environ:
        return True
    units = units or shipped_folder()
    with zipfile.ZipFile(suite.wheel) as archive:
        for name in archive.namelist():
            if name.startswith("psictl/"):
                file = package / name.removeprefix("psictl/")
                if name.startswith(_UNITS):
                    file = units / name.removeprefix(_UNITS)
                if not file.is_file() or file.read_bytes() != archive.read(name):
                    return False
    return True


def hand_over(taken: Taken, arguments: list[str]) -> int:
    """Run the wheel's own psictl with these arguments and return its exit code.

    What it says is passed on when it has ended, so that it does not run into the progress that
    is drawn here. Raises PsiError where it cannot be started.
    """
    taken.tell(f"psi-suite {taken.suite.version} installs itself")
    try:
        done = subprocess.run(
            [_python_of(taken), "-I", "-m", "psictl", *arguments, "--from", taken.suite.wheel],
            env={**os.environ, HANDED_OVER: "1"},
            stderr=subprocess.PIPE,
            check=False,
        )
    except OSError as error:
        raise PsiError(f"the other psictl did not start: {error.strerror}") from error
    sys.stderr.write(done.stderr.decode("utf-8", "replace"))
    return done.returncode


def _python_of(taken: Taken) -> Path:
    """Return a Python that has this wheel's psictl: of a version that is there, or made for it."""
    places = taken.request.places
    for name, manifest in complete(places).items():
        if manifest.made_from.suite == taken.suite.digest:
            return places.versions / name / "psictl/bin/python3"
    interpreter = find_interpreter(taken.request.interpreters)
    pip = make_pip(interpreter, taken.scratch / "other", taken.request.wheelhouse)
    pip.install(pip.python, [f"{taken.suite.wheel}[ctl]"], taken.suite.wheel.parent)
    return pip.python


def own_arguments() -> list[str]:
    """Return this command line without ``--from``, which the next one gets anew."""
    arguments, kept = iter(sys.argv[1:]), []
    for argument in arguments:
        if argument == "--from":
            next(arguments, None)
        elif not argument.startswith("--from="):
            kept.append(argument)
    return kept
