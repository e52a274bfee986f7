"""A host whose users, folders and services are lines in a file, which outlives a killed test."""

from collections.abc import Sequence
from pathlib import Path

from psi.shared.errors import PsiError


class FakeHost:
    """Notes what it is asked for; what ``broken`` names does not come up at its next restart."""

    def __init__(self, log: Path, running: Sequence[str] = (), *, booted: bool = True) -> None:
        self._log = log
        self._booted = booted
        self.running = list(running)
        self.broken: set[str] = set()
        self.users: set[str] = {"psi-frontend", "psi-broker", "psi-sealer", "psi-pki"}

    @property
    def log(self) -> list[str]:
        """Return what it was asked for, in order."""
        return self._log.read_text().splitlines() if self._log.exists() else []

    def forget(self) -> None:
        """Empty the log."""
        self._log.write_text("")

    def _note(self, line: str) -> None:
        with self._log.open("a") as file:
            file.write(f"{line}\n")

    def booted(self) -> bool:
        return self._booted

    def make_users(self, text: str) -> None:
        names = [line.split()[1] for line in text.splitlines() if line.startswith("u ")]
        self._note(f"users {' '.join(names)}")

    def make_folders(self, text: str) -> None:
        self._note(f"folders {sum(line.startswith('d ') for line in text.splitlines())}")

    def reload(self) -> None:
        self._note("reload")

    def states(self, units: Sequence[str]) -> dict[str, str]:
        return {unit: "active" if unit in self.running else "inactive" for unit in units}

    def restart(self, unit: str) -> None:
        self._note(f"restart {unit}")
        if unit in self.broken:
            self.broken.discard(unit)
            raise PsiError("it exited with 1")

    def start(self, units: Sequence[str]) -> None:
        self._note(f"start {' '.join(units)}")

    def stop(self, units: Sequence[str]) -> None:
        self._note(f"stop {' '.join(units)}")

    def disable(self, units: Sequence[str]) -> None:
        self._note(f"disable {' '.join(units)}")

    def remove_user(self, name: str) -> bool:
        self._note(f"remove-user {name}")
        return name in self.users
