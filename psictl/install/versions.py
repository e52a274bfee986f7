"""The versions side by side: each complete or not there, and one in force by a link."""

import hashlib
import secrets
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from psictl.install.places import Places
from psictl.install.programs import run

MANIFEST: Final = "manifest.json"
NEW: Final = ".new-"
GONE: Final = ".gone-"
_ID_DIGITS: Final = 12
"""48 bits of SHA-256: two of one host's versions do not meet by chance."""


class MadeFrom(msgspec.Struct, frozen=True):
    """What decides whether a version is the wanted one."""

    suite: str
    """The digest of the suite's wheel."""
    interpreter: str
    tpm: bool
    pkcs11: bool
    texts: str
    """The digest of the installed units and their like."""


class Manifest(msgspec.Struct, frozen=True):
    """Written last into a version's folder: with it the version is complete."""

    version: str
    made_from: MadeFrom
    wheelhouse: str | None
    """The digest of the wheelhouse that its libraries came from."""
    libraries: dict[str, list[str]]
    """By process."""
    files: list[str]
    """The units and their like that belong to it, by their paths on the host."""

    @property
    def id(self) -> str:
        """The name of its folder: version, and what else makes it what it is."""
        content = msgspec.json.encode((self.made_from, sorted(self.libraries.items())))
        return f"{self.version}-{hashlib.sha256(content).hexdigest()[:_ID_DIGITS]}"


def digest(items: Mapping[str, bytes]) -> str:
    """Return one SHA-256 over names and contents."""
    total = hashlib.sha256()
    for name, content in sorted(items.items()):
        total.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return total.hexdigest()


def wheelhouse_digest(folder: Path | None) -> str | None:
    """Return a digest of a wheelhouse's files, None without one."""
    if folder is None:
        return None
    return digest({file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()})


def read_manifest(folder: Path) -> Manifest | None:
    """Return a version's manifest, None where it is not complete."""
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError):
        return None


def complete(places: Places) -> dict[str, Manifest]:
    """Return the complete versions by their ids."""
    if not places.versions.is_dir():
        return {}
    found = {
        folder.name: read_manifest(folder)
        for folder in sorted(places.versions.iterdir())
        if not folder.name.startswith(".")
    }
    return {name: manifest for name, manifest in found.items() if manifest is not None}


def in_force(places: Places, link: str = "current") -> str | None:
    """Return the id that ``current``, or another link beside it, leads to."""
    try:
        return (places.home / link).readlink().name
    except OSError:
        return None


def find(places: Places, wanted: MadeFrom, wheelhouse: str | None) -> str | None:
    """Return the id of a version that is what is wanted, the one in force first."""
    fitting = [
        name
        for name, manifest in complete(places).items()
        if manifest.made_from == wanted and wheelhouse in {None, manifest.wheelhouse}
    ]
    current = in_force(places)
    return current if current in fitting else next(iter(fitting), None)


def new_folder(places: Places) -> Path:
    """Make the folder in which a version is put together; the next run removes a leftover."""
    places.versions.mkdir(parents=True, exist_ok=True)
    folder = places.versions / f"{NEW}{secrets.token_hex(4)}"
    folder.mkdir()
    return folder


def finish(places: Places, folder: Path, manifest: Manifest) -> str:
    """Give a version its name, once all of it is on disk; return its id."""
    target = places.versions / manifest.id
    if read_manifest(target) is not None:
        shutil.rmtree(folder)
        return manifest.id
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    run(["sync", "--file-system", folder], "the new version could not be written to disk")
    folder.rename(target)
    return manifest.id


def point(places: Places, name: str, link: str = "current") -> None:
    """Let a link lead to a version, by one rename."""
    temporary = places.home / f".{link}-{secrets.token_hex(4)}"
    temporary.symlink_to(f"versions/{name}")
    temporary.rename(places.home / link)


def sweep(places: Places) -> None:
    """Remove what a killed run left half made or half removed."""
    for pattern in (f"versions/{NEW}*", f"versions/{GONE}*", ".current-*", ".previous-*"):
        for left in places.home.glob(pattern):
            remove(left)


def prune(places: Places, keep: Iterable[str | None]) -> list[str]:
    """Remove the versions that are not to be kept; return their ids."""
    kept = set(keep)
    gone = [name for name in complete(places) if name not in kept]
    for name in gone:
        folder = places.versions / f"{GONE}{name}"
        (places.versions / name).rename(folder)
        remove(folder)
    return gone


def remove(path: Path) -> None:
    """Remove a folder of programs, or a link; links inside are not followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with suppress(FileNotFoundError):
            path.unlink()
