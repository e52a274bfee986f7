"""The secrets of the stand-in podman: a folder, one lock over all, the shell driver for real."""

import base64
import csv
import fcntl
import json
import os
import re
import secrets
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

VERSION: Final = os.environ.get("FAKE_PODMAN_VERSION", "5.4.2")
_MAX_BYTES: Final = 512_000
_VERBS: Final = ("store", "lookup", "delete", "list")
_NAME_BEFORE_5: Final = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9])?")

Info = dict[str, Any]
"""A secret as ``podman secret inspect`` prints it."""


class PodmanError(Exception):
    """What Podman prints after ``Error: ``, and the exit code."""

    def __init__(self, text: str, code: int = 125) -> None:
        super().__init__(text)
        self.code = code


class Secrets:
    """The secrets, while the lock is held."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "secrets.json"
        self.by_id: dict[str, Info] = (
            json.loads(self.file.read_text()) if self.file.exists() else {}
        )

    def save(self) -> None:
        """Write all secrets back, whole."""
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(self.by_id, indent=1))
        new.rename(self.file)

    def find(self, name: str) -> Info:
        """Return a secret's entry: Podman takes a name, an id, or the beginning of one id."""
        for info in self.by_id.values():
            if info["Spec"]["Name"] == name:
                return info
        matches = [info for key, info in self.by_id.items() if name and key.startswith(name)]
        if len(matches) != 1:
            raise PodmanError(f'no secret with name or id "{name}": no such secret')
        return matches[0]

    def create(self, name: str, payload: bytes, driver: str, options: Mapping[str, str]) -> str:
        """Store a secret and return its id."""
        check_name(name)
        if not 0 < len(payload) < _MAX_BYTES:
            raise PodmanError("secret data must be larger than 0 and less than 512000 bytes")
        if any(info["Spec"]["Name"] == name for info in self.by_id.values()):
            raise PodmanError(f"{name}: secret name in use")
        key = secrets.token_hex(13)[:25]
        try:
            self._store(key, payload, driver, options)
        except subprocess.CalledProcessError as error:
            raise PodmanError(f"creating secret {name}: exit status {error.returncode}") from error
        now = datetime.now(tz=UTC).isoformat().replace("+00:00", "Z")
        spec = {"Name": name, "Driver": {"Name": driver, "Options": dict(options)}, "Labels": {}}
        self.by_id[key] = {"ID": key, "CreatedAt": now, "UpdatedAt": now, "Spec": spec}
        self.save()
        return key

    def lookup(self, info: Info) -> bytes:
        """Return the value, by the driver command that is kept with the secret."""
        driver = info["Spec"]["Driver"]
        if driver["Name"] == "file":
            return base64.b64decode((self.folder / f"{info['ID']}.file").read_text())
        try:
            return shell(driver["Options"]["lookup"], info["ID"], capture=True)
        except subprocess.CalledProcessError as error:
            raise PodmanError(f"{info['ID']}: no such secret") from error

    def remove(self, name: str) -> str:
        """Remove a secret and return its id; not if its driver's delete fails."""
        info = self.find(name)
        driver = info["Spec"]["Driver"]
        try:
            if driver["Name"] == "shell":
                shell(driver["Options"]["delete"], info["ID"])
            else:
                (self.folder / f"{info['ID']}.file").unlink()
        except subprocess.CalledProcessError as error:
            raise PodmanError(f"deleting secret {name}: {info['ID']}: no such secret") from error
        del self.by_id[info["ID"]]
        self.save()
        return str(info["ID"])

    def _store(self, key: str, payload: bytes, driver: str, options: Mapping[str, str]) -> None:
        if driver == "shell":
            missing = [verb for verb in _VERBS if verb not in options]
            if missing:
                raise PodmanError(f"missing configuration value: {missing[0]}")
            shell(options["store"], key, payload)
        else:
            (self.folder / f"{key}.file").write_text(base64.b64encode(payload).decode())


def shell(command: str, secret_id: str, payload: bytes = b"", *, capture: bool = False) -> bytes:
    """Run a driver command; what it prints goes to our own stdout unless it is a value."""
    sys.stdout.flush()
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        input=payload,
        env=os.environ | {"SECRET_ID": secret_id},
        stdout=subprocess.PIPE if capture else None,
        check=True,
    )
    return done.stdout or b""


def check_name(name: str) -> None:
    """Refuse what this version of Podman refuses as a name."""
    if VERSION.split(".")[0] == "4":
        if _NAME_BEFORE_5.fullmatch(name) is None:
            raise PodmanError(
                "only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end character must "
                f"be [a-zA-Z0-9]: {name}: invalid secret name"
            )
    elif not 1 <= len(name) <= 253 or set(name) & set("=/,\0"):
        raise PodmanError(
            f"secret name \"{name}\" can not include '=', '/', ',', or the '\\0' (NULL) and be "
            "between 1 and 253 characters: invalid secret name"
        )


@contextmanager
def locked() -> Iterator[Secrets]:
    """Hold the one lock over all secrets, as Podman does while a driver command runs."""
    named = os.environ.get("FAKE_PODMAN_DIR")
    if not named:
        raise PodmanError("set FAKE_PODMAN_DIR to a folder for the secrets")
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Secrets(folder)


def driver_options(arguments: Sequence[str]) -> dict[str, str]:
    """Read --driver-opts as spf13/pflag's StringToString does; the first replaces the default."""
    if not arguments:
        named = os.environ.get("CONTAINERS_CONF")
        conf = tomllib.loads(Path(named).read_text()) if named else {}
        return dict(conf.get("secrets", {}).get("opts", {}))
    options: dict[str, str] = {}
    for argument in arguments:
        if "=" not in argument:
            raise PodmanError(f"{argument} must be formatted as key=value")
        words = [argument.strip('"')] if argument.count("=") == 1 else next(csv.reader([argument]))
        pairs = (word.partition("=") for word in words)
        options.update((key, value) for key, _, value in pairs)
    return options
