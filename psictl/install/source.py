"""What is installed: the wheel of psi-suite, given, built from a source folder, or kept."""

import hashlib
import re
import shutil
import sys
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec

from psi.shared.errors import ConfigError
from psictl.install.pip import Pip

WHEELS: Final = "psi_suite-*.whl"
_FORM: Final = re.compile(r"\Apsi_suite-(?P<version>[0-9][A-Za-z0-9.+!]*)-py3-none-any\.whl\Z")
_NAME: Final = re.compile(r'^name = "psi-suite"$', re.MULTILINE)
_NOT_CONTENT: Final = (".dist-info/RECORD", ".dist-info/WHEEL")
"""They tell of the other files and of the tool that packed them."""
_SAY: Final = "say what to install: --from WHEEL, or --from the folder of the sources"


@dataclass(frozen=True)
class Suite:
    """A wheel of psi-suite."""

    wheel: Path
    version: str
    digest: str
    """SHA-256 over its files' names and contents; the same whoever built it."""

    def requirement(self, project: str) -> str:
        """Return what its metadata asks of a library; raises ConfigError where it does not."""
        with zipfile.ZipFile(self.wheel) as archive:
            (name,) = (each for each in archive.namelist() if each.endswith("/METADATA"))
            text = archive.read(name).decode()
        for found in re.finditer(r"^Requires-Dist: ([^;\n]+)", text, re.MULTILINE):
            if re.match(rf"{re.escape(project)}\b", found[1]):
                return found[1].strip()
        raise ConfigError(f"{self.wheel.name} does not ask for {project}: {_SAY}")


class _Origin(msgspec.Struct):
    url: str


def find_source(given: Path | None, wheelhouse: Path | None) -> Path:
    """Return the wheel or source folder to install from.

    By default the wheelhouse's wheel, else what this psictl itself was installed from. Raises
    ConfigError where none of them is known, or what is given is neither.
    """
    if given is not None:
        return _checked(given.absolute())
    for folder in (wheelhouse, Path(sys.prefix).resolve().parent / "wheels"):
        wheels = sorted(folder.glob(WHEELS)) if folder is not None else []
        if len(wheels) > 1:
            raise ConfigError(f"{folder} has {len(wheels)} wheels of psi-suite: {_SAY}")
        if wheels:
            return wheels[0]
    if wheelhouse is not None:
        raise ConfigError(f"{wheelhouse} has no wheel of psi-suite ({WHEELS}): put one there")
    return _installed_from()


def take_suite(source: Path, pip: Pip, folder: Path) -> Suite:
    """Put the suite's wheel into a folder and describe it; raises PsiError."""
    if source.is_dir():
        pip.wheel(str(source), folder)
        (wheel,) = folder.glob(WHEELS)
    else:
        wheel = Path(shutil.copy(source, folder))
    return describe(wheel)


def describe(wheel: Path) -> Suite:
    """Return a wheel's version and digest; raises ConfigError for what is no wheel of the suite."""
    matched = _FORM.match(wheel.name)
    if matched is None:
        raise ConfigError(f"{wheel.name} is no wheel of psi-suite: {_SAY}")
    total = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name in sorted(archive.namelist()):
                if not name.endswith(_NOT_CONTENT):
                    content = hashlib.sha256(archive.read(name)).hexdigest()
                    total.update(f"{name}\0{content}\n".encode())
    except (OSError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{wheel} cannot be read ({error}): {_SAY}") from error
    return Suite(wheel, matched["version"], total.hexdigest())


def _checked(path: Path) -> Path:
    settings = path / "pyproject.toml"
    if path.is_dir():
        if settings.is_file() and re.search(
            r'^name = "psi-suite"$', settings.read_text(), re.MULTILINE
        ):
            return path
        raise ConfigError(f"{path} is not the source folder of psi-suite: {_SAY}")
    if not path.is_file() or not _FORM.match(path.name):
        raise ConfigError(f"{path} is no wheel of psi-suite: {_SAY}")
    return path


def _installed_from() -> Path:
    """Return what pip noted of this psictl's own origin (PEP 610)."""
    try:
        noted = metadata.distribution("psi-suite").read_text("direct_url.json")
        url = urlsplit(msgspec.json.decode(noted or "", type=_Origin).url)
    except (metadata.PackageNotFoundError, msgspec.DecodeError):
        raise ConfigError(_SAY) from None
    path = Path(unquote(url.path))
    if url.scheme != "file" or not path.exists():
        raise ConfigError(f"what this psictl was installed from is not here any more: {_SAY}")
    return _checked(path)
