"""What is asked of the installer, and what it has done."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from psictl.install.host import Host
from psictl.install.interpreter import CANDIDATES
from psictl.install.places import Places

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """The options of ``psictl install``."""

    places: Places
    host: Host | None
    """None where a package is staged: no users, no services."""
    source: Path | None = None
    """A wheel or a source folder; by default what psictl was installed from."""
    wheelhouse: Path | None = None
    tpm: bool = True
    pkcs11: bool = True
    default_driver: bool = False
    newest: bool = False
    """Make the environments anew, with the newest libraries that fit."""
    dry_run: bool = False
    interpreters: Sequence[str] = CANDIDATES
    units: Path | None = None
    """The folder of the unit files; by default this psictl's own."""

    @property
    def devices(self) -> dict[str, bool]:
        """The sealer's extras."""
        return {"tpm": self.tpm, "pkcs11": self.pkcs11}


@dataclass
class Report:
    """What was done, or with ``dry_run`` would be, and what a person should know."""

    changes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def by_folder(told: Sequence[tuple[str, str]]) -> list[str]:
    """Return lines on many files: one for each folder and what happened to files in it."""
    places = Counter((str(Path(path).parent), word) for path, word in told)
    names = {(str(Path(path).parent), word): path for path, word in told}
    return [
        f"{names[place]}: {place[1]}" if count == 1 else f"{place[0]}: {count} files {place[1]}"
        for place, count in places.items()
    ]
