"""The private environments, one per process, each with its own libraries and no pip.

They are made in one folder, moved as a whole, and reached through the link ``current``; so
nothing in them may hold the path of the folder that they were made in.
"""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from psi.shared.errors import PsiError
from psictl.install.interpreter import Interpreter
from psictl.install.pip import Pip
from psictl.install.programs import BUILD_SECONDS, Argument, run

EXTRAS: Final = {
    "frontend": ("frontend",),
    "broker": ("broker", "aws"),
    "sealer": ("sealer",),
    "pki": ("pki",),
    "psictl": ("ctl",),
}
"""The extras of psi-suite that each environment gets; the sealer's devices come by request."""
PIN: Final = "psi-version.pth"
PIN_TEXT: Final = "import os, sys; sys.path[:] = [os.path.realpath(each) for each in sys.path]\n"
"""Python finds its libraries by the path that it was started by, which leads through the link.
Without this, what a process imports after an upgrade would come from the other version."""
_LAUNCHER: Final = """#!{python} -I
import sys

from psictl.__main__ import main

sys.exit(main())
"""
_COMPILE: Final = """
import compileall, py_compile, sys

# A file that does not compile is one that nothing imports: libraries ship such as test data.
compileall.compile_dir(
    sys.argv[1], stripdir=sys.argv[2], prependdir=sys.argv[3], quiet=2, workers=0,
    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
)
"""
_KEPT_PROGRAM: Final = re.compile(r"\Apython(3(\.[0-9]+)?)?\Z")


def make_environment(
    folder: Path, interpreter: Interpreter, pip: Pip, requirement: str, find_links: Path
) -> None:
    """Make one environment and install a requirement into it; raises PsiError."""
    argv: list[Argument] = [interpreter.path, "-I", "-m", "venv", "--without-pip", folder]
    run(argv, f"{folder.name}: no environment could be made")
    pip.install(folder / "bin/python3", [requirement], find_links)
    for program in (folder / "bin").iterdir():
        if not _KEPT_PROGRAM.match(program.name):
            program.unlink()
    _strip(folder)


def _strip(folder: Path) -> None:
    """Take out what names the place that it was made in."""
    site = site_of(folder)
    (site / PIN).write_text(PIN_TEXT)
    for told in site.glob("*.dist-info/direct_url.json"):
        told.unlink()
    settings = folder / "pyvenv.cfg"
    lines = settings.read_text().splitlines(keepends=True)
    settings.write_text("".join(line for line in lines if not line.startswith("command")))
    for cached in site.rglob("__pycache__"):
        shutil.rmtree(cached)


def site_of(folder: Path) -> Path:
    """Return an environment's folder of libraries; raises PsiError where it has none."""
    found = sorted(folder.glob("lib/python3.*/site-packages"))
    if len(found) != 1:
        raise PsiError(f"{folder} is no virtual environment; run psictl install again")
    return found[0]


def libraries_of(folder: Path) -> list[str]:
    """Return what is installed in an environment, ``name-version``, sorted."""
    found = site_of(folder).glob("*.dist-info")
    return sorted(each.name.removesuffix(".dist-info") for each in found)


def compile_environment(folder: Path, final: str) -> None:
    """Compile all of it, once and for the place where it will be; raises PsiError.

    The bytecode is taken without a look at the sources (PEP 552, unchecked): both belong to root
    and are never changed, and a service could not write another.
    """
    run(
        [folder / "bin/python3", "-I", "-c", _COMPILE, site_of(folder), folder, final],
        f"{folder.name}: its libraries could not be compiled",
        seconds=BUILD_SECONDS,
    )


def write_launcher(folder: Path, final: str) -> None:
    """Write ``bin/psictl``, which nothing in root's environment leads astray (python -I)."""
    launcher = folder / "bin/psictl"
    launcher.write_text(_LAUNCHER.format(python=f"{final}/bin/python3"))
    launcher.chmod(0o755)


def requirement_of(process: str, suite: Path, devices: Mapping[str, bool]) -> str:
    """Return what is installed for a process: the suite's wheel with its extras."""
    extras = [*EXTRAS[process]]
    if process == "sealer":
        extras += [name for name, wanted in devices.items() if wanted]
    return f"{suite}[{','.join(extras)}]"


def keep_own_packages(folder: Path) -> None:
    """Remove the other processes' code: each environment has its own and what all share."""
    site = site_of(folder)
    own = site / "psi" / folder.name
    for package in (site / "psi").iterdir():
        if package not in {own, site / "psi/shared"}:
            shutil.rmtree(package)
    if folder.name != "psictl":
        shutil.rmtree(site / "psictl")
