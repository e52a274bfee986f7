"""A version is put together: five environments, their bytecode, a manifest."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from psictl.install import tpm_wheel, versions
from psictl.install.environments import (
    EXTRAS,
    compile_environment,
    keep_own_packages,
    libraries_of,
    make_environment,
    requirement_of,
    write_launcher,
)
from psictl.install.interpreter import Interpreter
from psictl.install.pip import Pip
from psictl.install.request import Request, Tell
from psictl.install.source import Suite
from psictl.install.versions import MadeFrom, Manifest

WHEELS: Final = "wheels"


@dataclass(frozen=True)
class Recipe:
    """All that a version is made of."""

    request: Request
    interpreter: Interpreter
    suite: Suite
    made_from: MadeFrom
    files: list[str]


def compiled_wheel(request: Request, interpreter: Interpreter) -> Path | None:
    """Return the wheel of tpm2-pytss that need not be compiled again, if there is one."""
    kept = None if request.newest else request.places.current / WHEELS
    return tpm_wheel.find_wheel(interpreter, request.wheelhouse, kept)


def make_version(recipe: Recipe, pip: Pip, tell: Tell) -> tuple[Path, Manifest]:
    """Put a version together in a folder that is not its own yet; raises PsiError.

    What fails leaves nothing.
    """
    folder = versions.new_folder(recipe.request.places)
    try:
        return folder, _fill(folder, recipe, pip, tell)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _fill(folder: Path, recipe: Recipe, pip: Pip, tell: Tell) -> Manifest:
    request, interpreter = recipe.request, recipe.interpreter
    wheels = folder / WHEELS
    wheels.mkdir()
    suite = Path(shutil.copy(recipe.suite.wheel, wheels))
    if request.tpm:
        _take_tpm_wheel(recipe, pip, wheels, tell)
    for process in EXTRAS:
        tell(f"installing the libraries of {process}")
        requirement = requirement_of(process, suite, request.devices)
        make_environment(folder / process, interpreter, pip, requirement, wheels)
        keep_own_packages(folder / process)
    manifest = Manifest(
        version=recipe.suite.version,
        made_from=recipe.made_from,
        wheelhouse=versions.wheelhouse_digest(request.wheelhouse),
        libraries={process: libraries_of(folder / process) for process in EXTRAS},
        files=sorted(recipe.files),
    )
    tell("compiling")
    for process in EXTRAS:
        final = f"{request.places.prefix}/versions/{manifest.id}/{process}"
        if process == "psictl":
            write_launcher(folder / process, final)
        compile_environment(folder / process, final)
    return manifest


def _take_tpm_wheel(recipe: Recipe, pip: Pip, wheels: Path, tell: Tell) -> None:
    present = compiled_wheel(recipe.request, recipe.interpreter)
    if present is not None:
        tpm_wheel.keep(present, wheels)
        return
    tell("compiling tpm2-pytss, which takes about a minute")
    with tempfile.TemporaryDirectory(prefix="psi-tpm-") as scratch:
        requirement = recipe.suite.requirement(tpm_wheel.PROJECT)
        tpm_wheel.compile_wheel(requirement, pip, wheels, Path(scratch))
