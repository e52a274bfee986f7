"""A service manager that reads drop-ins and starts services as systemd does, without processes.

What it loaded at its last reload is what a service is started by. Its state lies in a file beside
the root, so that it outlives an ``apply`` that is killed.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from psi.shared.errors import PsiError

_CREDENTIAL = re.compile(r"^LoadCredential(?:Encrypted)?=([^:]+):(.+)$", re.MULTILINE)
INSTALLED = (
    "psi.target", "psi-sealer.service", "psi-sealer.socket", "psi-sealer-ctl.socket",
    "psi-broker.service", "psi-pki.service", "psi-frontend.service",
    "psi-infisical-refresh.timer",
)  # fmt: skip  # a list of words


class FakeSystemd:
    """A host's service manager below a root; ``boot`` reads the units and starts them."""

    def __init__(self, root: Path, *, booted: bool = True) -> None:
        self.units = root / "etc/systemd/system"
        self._file = root / "systemd.json"
        self._booted = booted
        if not self._file.exists():
            states = dict.fromkeys(INSTALLED, "inactive")
            self._write({"loaded": {}, "states": states, "given": {}, "log": [], "broken": []})

    def _read(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self._file.read_text())
        return content

    def _write(self, content: dict[str, Any]) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(content))
        new.rename(self._file)

    def found(self) -> dict[str, str]:
        """Return what it would read now: each unit's drop-in; a link to nothing says nothing."""
        links = [path for path in self.units.glob("*.d/50-psi.conf") if path.exists()]
        return {path.parent.name.removesuffix(".d"): path.read_text() for path in links}

    @property
    def loaded(self) -> dict[str, str]:
        loaded: dict[str, str] = self._read()["loaded"]
        return loaded

    @property
    def log(self) -> list[str]:
        log: list[str] = self._read()["log"]
        return log

    def given(self, unit: str) -> dict[str, str]:
        """Return the credentials that a running service was started with."""
        given: dict[str, str] = self._read()["given"][unit]
        return given

    def clear_log(self) -> None:
        self._write(self._read() | {"log": []})

    def set_state(self, unit: str, state: str) -> None:
        content = self._read()
        content["states"][unit] = state
        self._write(content)

    def set_broken(self, *units: str) -> None:
        """Have these fail to start from now on, and ``systemctl daemon-reload`` if it is named."""
        self._write(self._read() | {"broken": list(units)})

    def boot(self) -> None:
        """Start what psi.target has, as a reboot does."""
        content = self._read()
        content["states"] = dict.fromkeys(content["states"], "inactive")
        self._write(content)
        self.reload()
        wanted = re.findall(r"^Wants=(.+)$", self.loaded.get("psi.target", ""), re.MULTILINE)
        self.start(("psi.target", *wanted, "psi-broker.service", "psi-frontend.service"))

    def booted(self) -> bool:
        return self._booted

    def reload(self) -> None:
        content = self._read()
        if "daemon-reload" in content["broken"]:
            raise PsiError("Failed to reload daemon: no bus")
        content["loaded"] = self.found()
        content["log"].append("daemon-reload")
        self._write(content)

    def states(self, units: Sequence[str]) -> dict[str, str]:
        states = self._read()["states"]
        return {unit: states.get(unit, "inactive") for unit in units}

    def restart(self, unit: str) -> None:
        self._begin("restart", (unit,))

    def start(self, units: Sequence[str]) -> None:
        self._begin("start", units)

    def stop(self, units: Sequence[str]) -> None:
        content = self._read()
        content["log"].append(f"stop {' '.join(units)}")
        if set(units) & set(content["broken"]):
            self._write(content)
            raise PsiError(f"Job for {units[-1]} canceled.")
        content["states"].update(dict.fromkeys(units, "inactive"))
        self._write(content)

    def _begin(self, verb: str, units: Sequence[str]) -> None:
        content = self._read()
        content["log"].append(f"{verb} {' '.join(units)}")
        for unit in units:
            given = _credentials(content["loaded"].get(unit, ""))
            works = unit not in content["broken"] and None not in given.values()
            content["states"][unit] = "active" if works else "failed"
            content["given"][unit] = given
        self._write(content)
        if any(content["states"][unit] == "failed" for unit in units):
            raise PsiError(f"Job for {units[-1]} failed.")


def _credentials(drop_in: str) -> dict[str, str | None]:
    paths = {name: Path(path) for name, path in _CREDENTIAL.findall(drop_in)}
    return {
        name: path.read_bytes().decode("latin-1") if path.is_file() else None
        for name, path in paths.items()
    }
