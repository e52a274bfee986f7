"""What is asked of the installer, and what it has done."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from psictl.install.places import Places

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """The options of ``psictl install``."""

    places: Places
    source: Path | None = None
    """A wheel or a source folder; by default what psictl was installed from."""
    wheelhouse: Path | None = None
    tpm: bool = True
    pkcs11: bool = True
    default_driver: bool = False
    newest: bool = False
    """Make the environments anew, with the newest libraries that fit."""
    dry_run: bool = False

    @property
    def devices(self) -> dict[str, bool]:
        """The sealer's extras."""
        return {"tpm": self.tpm, "pkcs11": self.pkcs11}


@dataclass
class Report:
    """What was done, or with ``dry_run`` would be, and what a person should know."""

    changes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
