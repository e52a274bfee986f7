"""What is there, what is wanted, and so what an installation would change; nothing is changed."""

from dataclasses import dataclass
from pathlib import Path

from psictl.install import needs, skeleton, texts, versions
from psictl.install.driver_conf import install_driver, is_written
from psictl.install.interpreter import Interpreter, find_interpreter
from psictl.install.launcher import is_linked
from psictl.install.making import Recipe, compiled_wheel
from psictl.install.pip import Pip, bootstrap
from psictl.install.rendering import render
from psictl.install.request import Request, Tell
from psictl.install.shipped import read_shipped, shipped_folder
from psictl.install.source import Suite, describe, find_source, take_suite
from psictl.install.systemd import OLDEST, systemd_version
from psictl.install.verify import verify


@dataclass(frozen=True)
class Wanted:
    """The generated texts of this host."""

    interpreter: Interpreter
    systemd: int
    texts: dict[str, str]
    skeleton: dict[str, str | None]
    driver: str
    driver_messages: tuple[str, ...]


@dataclass(frozen=True)
class Outlook:
    """What an installation would do."""

    recipe: Recipe
    found: str | None
    """The version that is what is wanted, if it is there already."""
    before: str | None
    """The version in force."""
    changes: list[texts.Change]
    folders: list[str]
    """What the services' root folder lacks."""
    driver_new: bool
    launcher_new: bool
    unfinished: bool

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to do."""
        return (
            self.found is not None
            and self.found == self.before
            and not (self.changes or self.folders or self.driver_new or self.launcher_new)
            and not self.unfinished
        )


def wanted_texts(request: Request) -> Wanted:
    """Return every text that an installation generates; raises PsiError."""
    places = request.places
    interpreter = find_interpreter()
    systemd = systemd_version() or OLDEST
    rendered = render(read_shipped(shipped_folder(), systemd), places, interpreter.real)
    driver = install_driver(places.root, stdout=True, default_driver=request.default_driver)
    return Wanted(
        interpreter=interpreter,
        systemd=systemd,
        texts=rendered,
        skeleton=skeleton.skeleton_of(rendered),
        driver=driver.text,
        driver_messages=driver.messages,
    )


def look(request: Request, wanted: Wanted, scratch: Path, tell: Tell) -> tuple[Outlook, Pip | None]:
    """Compare with what is there, and check all that can be checked; raises PsiError.

    Returns pip too where it had to be set up to know the suite's wheel.
    """
    places = request.places
    source = find_source(request.source, request.wheelhouse)
    present = versions.complete(places)
    dropped = {path for manifest in present.values() for path in manifest.files}
    changes = texts.changes(places.root, wanted.texts, dropped)
    folders = skeleton.missing_of(places.skeleton, wanted.skeleton)
    driver_new = not is_written(places.root, wanted.driver)
    launcher_new = not is_linked(places)
    _check_host(request, wanted, build=source.is_dir() or not present)
    suite, pip = _suite(request, wanted.interpreter, source, scratch, tell)
    recipe = _recipe(request, wanted, suite)
    wheelhouse = versions.wheelhouse_digest(request.wheelhouse)
    found = None if request.newest else versions.find(places, recipe.made_from, wheelhouse)
    if found is None:
        _check_host(request, wanted, build=True)
    if found is None or changes:
        tell("checking the units")
        verify(wanted.texts, places.prefix, wanted.systemd, scratch)
    outlook = Outlook(
        recipe, found, versions.in_force(places), changes, folders,
        driver_new, launcher_new, places.unfinished.exists(),
    )  # fmt: skip
    return outlook, pip


def _check_host(request: Request, wanted: Wanted, *, build: bool) -> None:
    """Check for what a build needs; a version with a TPM keeps its wheel, so that none is twice."""
    host = request.places.is_host
    needs.check(
        wanted.interpreter,
        host=host,
        build=build,
        compile_tpm=request.tpm and compiled_wheel(request, wanted.interpreter) is None,
        load_tpm=host and request.tpm,
    )


def _suite(
    request: Request, interpreter: Interpreter, source: Path, scratch: Path, tell: Tell
) -> tuple[Suite, Pip | None]:
    if source.is_file():
        return describe(source), None
    pip = start_pip(request, interpreter, scratch, tell)
    tell("building the wheel")
    folder = scratch / "wheel"
    folder.mkdir()
    return take_suite(source, pip, folder), pip


def start_pip(request: Request, interpreter: Interpreter, scratch: Path, tell: Tell) -> Pip:
    """Set up pip in a folder that is thrown away; raises PsiError."""
    tell("setting up pip")
    return bootstrap(interpreter, scratch / "pip", request.wheelhouse)


def _recipe(request: Request, wanted: Wanted, suite: Suite) -> Recipe:
    made_from = versions.MadeFrom(
        suite=suite.digest,
        interpreter=wanted.interpreter.real,
        tpm=request.tpm,
        pkcs11=request.pkcs11,
        texts=versions.digest({path: text.encode() for path, text in wanted.texts.items()}),
    )
    return Recipe(request, wanted.interpreter, suite, made_from, sorted(wanted.texts))
