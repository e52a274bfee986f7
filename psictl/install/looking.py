"""What is there, what is wanted, and so what an installation would change; nothing is changed."""

from dataclasses import dataclass
from pathlib import Path

from psictl.install import needs, skeleton, texts, versions
from psictl.install.driver_conf import install_driver, is_written
from psictl.install.host import OLDEST_SYSTEMD, systemd_version
from psictl.install.interpreter import Interpreter, find_interpreter
from psictl.install.launcher import is_linked
from psictl.install.making import Recipe, compiled_wheel
from psictl.install.rendering import render
from psictl.install.request import Request, Tell
from psictl.install.shipped import read_shipped, shipped_folder
from psictl.install.source import Suite
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
    interpreter = find_interpreter(request.interpreters)
    systemd = systemd_version() or OLDEST_SYSTEMD
    shipped = read_shipped(request.units or shipped_folder(), systemd)
    rendered = render(shipped, places, interpreter.real)
    driver = install_driver(places.root, stdout=True, default_driver=request.default_driver)
    return Wanted(
        interpreter=interpreter,
        systemd=systemd,
        texts=rendered,
        skeleton=skeleton.skeleton_of(rendered),
        driver=driver.text,
        driver_messages=driver.messages,
    )


def look(request: Request, wanted: Wanted, suite: Suite, scratch: Path, tell: Tell) -> Outlook:
    """Compare with what is there, and check all that can be checked; raises PsiError."""
    places = request.places
    recipe = _recipe(request, wanted, suite)
    wheelhouse = versions.wheelhouse_digest(request.wheelhouse)
    found = None if request.newest else versions.find(places, recipe.made_from, wheelhouse)
    present = versions.complete(places)
    dropped = {path for manifest in present.values() for path in manifest.files}
    outlook = Outlook(
        recipe=recipe,
        found=found,
        before=versions.in_force(places),
        changes=texts.changes(places.root, wanted.texts, dropped),
        folders=skeleton.missing_of(places.skeleton, wanted.skeleton),
        driver_new=not is_written(places.root, wanted.driver),
        launcher_new=not is_linked(places),
        unfinished=places.unfinished.exists(),
    )
    check_host(request, wanted.interpreter, build=found is None)
    if found is None or outlook.changes:
        tell("checking the units")
        verify(wanted.texts, places.prefix, wanted.systemd, scratch)
    return outlook


def check_host(request: Request, interpreter: Interpreter, *, build: bool) -> None:
    """Check for what is needed, before anything is begun; raises PsiError.

    A version with a TPM keeps the wheel that was compiled, so that the next need not.
    """
    host = request.host is not None
    needs.check(
        interpreter,
        host=host,
        build=build,
        compile_tpm=request.tpm and compiled_wheel(request, interpreter) is None,
        load_tpm=host and request.tpm,
    )


def _recipe(request: Request, wanted: Wanted, suite: Suite) -> Recipe:
    made_from = versions.MadeFrom(
        suite=suite.digest,
        interpreter=wanted.interpreter.real,
        tpm=request.tpm,
        pkcs11=request.pkcs11,
        texts=versions.digest({path: text.encode() for path, text in wanted.texts.items()}),
    )
    return Recipe(request, wanted.interpreter, suite, made_from, sorted(wanted.texts))
