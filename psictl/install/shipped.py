"""The unit files as they are shipped: data of this package, or ``systemd/`` of a checkout."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from psi.shared.errors import PsiError
from psictl.install.places import SYSUSERS, TMPFILES, UNITS

_KINDS: Final = (".service", ".socket", ".target", ".timer", ".path", ".mount", ".slice")
SINCE_254: Final = 254
"""systemd's version from which the drop-ins in the folder of that name apply (RestartSteps=)."""
ANY_SYSTEMD: Final = 10_000
"""Newer than any: for all files that there are."""
_FOLDERS: Final = {"sysusers.d": SYSUSERS, "tmpfiles.d": TMPFILES, str(SINCE_254): UNITS}


@dataclass(frozen=True)
class Shipped:
    """The texts, by where each belongs on the host."""

    texts: dict[str, str]

    @property
    def units(self) -> list[str]:
        """The names of all units, sorted."""
        return unit_names(self.texts)

    @property
    def services(self) -> list[str]:
        """The names of the services, sorted."""
        return [name for name in self.units if name.endswith(".service")]


def shipped_folder() -> Path:
    """Return the folder with the unit files; raises PsiError where this psictl came without."""
    here = Path(__file__).resolve()
    for folder in (here.with_name("systemd"), here.parents[2] / "systemd"):
        if (folder / "psi.target").is_file():
            return folder
    raise PsiError("this psictl came without its unit files: install psi-suite again, whole")


def unit_names(paths: Iterable[str]) -> list[str]:
    """Return the names of the units among paths on the host, sorted; drop-ins are none."""
    return sorted(
        PurePosixPath(path).name
        for path in paths
        if str(PurePosixPath(path).parent) == UNITS and path.endswith(_KINDS)
    )


def read_shipped(folder: Path, systemd: int) -> Shipped:
    """Return what belongs on a host with this version of systemd."""
    texts = {
        f"{UNITS}/{file.name}": file.read_text()
        for file in sorted(folder.iterdir())
        if file.suffix in _KINDS
    }
    for name, target in _FOLDERS.items():
        if name == str(SINCE_254) and systemd < SINCE_254:
            continue
        below = folder / name
        for file in sorted(below.rglob("*.conf")):
            texts[f"{target}/{file.relative_to(below)}"] = file.read_text()
    return Shipped(texts)
