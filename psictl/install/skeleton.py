"""The empty root folder of the services (RootDirectory=): what their units bind into, no more."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from psi.shared.errors import ConfigError
from psictl.install.places import UNITS

LINKS: Final = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", "sbin": "usr/sbin"}
_FOLDERS: Final = (
    "dev", "etc", "proc", "root", "home", "run", "run/host", "run/credentials", "run/pcscd",
    "sys", "tmp", "usr", "var", "var/lib", "var/log", "var/tmp",
)  # fmt: skip
"""What systemd mounts by itself (MountAPIVFS=, PrivateTmp=, ProtectHome=), and pcscd's folder."""
_FILES: Final = frozenset({
    "/etc/group", "/etc/hosts", "/etc/ld.so.cache", "/etc/localtime", "/etc/nsswitch.conf",
    "/etc/passwd", "/etc/resolv.conf", "/run/systemd/notify",
})  # fmt: skip
"""What is no folder on any host; a file is bound onto a file."""
_FILE_ENDINGS: Final = (".sock", ".conf", ".cache")
_BIND: Final = re.compile(r"^Bind(?:ReadOnly)?Paths=(.*)$", re.MULTILINE)


def skeleton_of(texts: Mapping[str, str]) -> dict[str, str | None]:
    """Return what the skeleton has: each path to a link's target, "" for a file, None for a folder.

    Taken from the services that name a root folder; parents come before their children.
    """
    found: dict[str, str | None] = dict.fromkeys(_FOLDERS)
    for path, text in texts.items():
        if path.startswith(f"{UNITS}/") and "\nRootDirectory=" in text:
            for target in _targets(text):
                _add(found, target)
    return {**dict(sorted(found.items())), **LINKS}


def extend_skeleton(folder: Path, wanted: Mapping[str, str | None]) -> bool:
    """Make what is missing; return whether something was.

    What is there stays, since services run on it, unless it is of another kind and empty.
    Raises ConfigError where it is not empty.
    """
    changed = missing_of(folder, wanted)
    folder.mkdir(mode=0o755, exist_ok=True)
    for name in changed:
        _clear(folder / name)
        _make(folder / name, wanted[name])
    return bool(changed)


def missing_of(folder: Path, wanted: Mapping[str, str | None]) -> list[str]:
    """Return the names that are not there as they should be.

    Raises ConfigError where something that is not empty is in the place of one.
    """
    missing = [name for name, kind in wanted.items() if not _is_there(folder / name, kind)]
    for name in missing:
        _check_empty(folder / name)
    return missing


def _targets(text: str) -> Iterable[str]:
    for match in _BIND.finditer(text):
        for word in match[1].split():
            source, _, rest = word.removeprefix("-").partition(":")
            yield rest.partition(":")[0] or source


def _add(found: dict[str, str | None], target: str) -> None:
    parts = target.strip("/").split("/")
    if parts[0] == "dev":  # a file system of its own (PrivateDevices=)
        return
    for count in range(1, len(parts)):
        found["/".join(parts[:count])] = None
    is_file = target in _FILES or target.endswith(_FILE_ENDINGS)
    found.setdefault("/".join(parts), "" if is_file else None)


def _is_there(path: Path, kind: str | None) -> bool:
    if path.is_symlink():
        return bool(kind) and str(path.readlink()) == kind
    return path.is_dir() if kind is None else kind == "" and path.is_file()


def _check_empty(path: Path) -> None:
    if path.is_symlink() or not path.exists():
        return
    empty = not any(path.iterdir()) if path.is_dir() else path.stat().st_size == 0
    if not empty:
        raise ConfigError(f"{path} is in the way of the services' root folder: move it away")


def _clear(path: Path) -> None:
    """Remove an empty folder, an empty file or a link."""
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def _make(path: Path, kind: str | None) -> None:
    if kind is None:
        path.mkdir(mode=0o755)
    elif kind:
        path.symlink_to(kind)
    else:
        path.touch(mode=0o444, exist_ok=False)
