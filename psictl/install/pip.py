"""pip, in an environment of its own that is thrown away: none stays in what is installed."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from psictl.install.interpreter import Interpreter
from psictl.install.programs import BUILD_SECONDS, Argument, run


@dataclass(frozen=True)
class Pip:
    """Installs into other environments (pip --python, pip 22.3 and later)."""

    python: Path
    wheelhouse: Path | None
    """The only place to take packages from; without one it is pip's own configuration."""

    def install(self, target: Path, requirements: Sequence[str], find_links: Path) -> None:
        """Install into the environment of the python ``target``; raises PsiError."""
        self._run(
            ["--python", str(target), "install", "--no-compile", "--no-warn-script-location"],
            ["--prefer-binary", "--find-links", str(find_links), *requirements],
            f"pip could not install {' '.join(Path(each).name for each in requirements)}",
        )

    def wheel(
        self,
        requirement: str,
        folder: Path,
        *options: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Build or fetch one wheel into a folder, without what it requires; raises PsiError."""
        self._run(
            ["wheel", "--no-deps", "--wheel-dir", str(folder), *options],
            [requirement],
            f"pip could not make a wheel of {requirement}",
            environment,
        )

    def _run(
        self,
        command: Sequence[str],
        arguments: Sequence[str],
        failed: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        argv: list[Argument] = [self.python, "-I", "-m", "pip", "--quiet", "--no-input"]
        argv += [*command, *self._index(), *arguments]
        run(argv, failed, seconds=BUILD_SECONDS, environment=environment)

    def _index(self) -> list[str]:
        if self.wheelhouse is None:
            return []
        return ["--no-index", "--find-links", str(self.wheelhouse)]


def find_pip(interpreter: Interpreter, folder: Path, wheelhouse: Path | None) -> Pip:
    """Return this Python's own pip, or make an environment for one; raises PsiError.

    Its own: of the environment that scripts/install made and throws away.
    """
    if os.path.realpath(sys.executable) == interpreter.real and find_spec("pip") is not None:
        return Pip(Path(sys.executable), wheelhouse)
    return make_pip(interpreter, folder, wheelhouse)


def make_pip(interpreter: Interpreter, folder: Path, wheelhouse: Path | None) -> Pip:
    """Make the environment that holds pip, in a new folder; raises PsiError."""
    make: list[Argument] = [interpreter.path, "-I", "-m", "venv", folder]
    run(make, "no environment for pip could be made", seconds=BUILD_SECONDS)
    return Pip(folder / "bin/python3", wheelhouse)
