"""Generations: folders ``gen-N`` of everything derived, and the link ``current`` to one of them.

A generation is built under another name, synced, renamed, and put in force by renaming one link:
whoever reads ``current`` sees the old one or the new one, whenever the power goes.
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator, Mapping

import msgspec

from psi.shared.errors import UNDECODABLE, PsiError
from psictl.apply import folder
from psictl.layout import Layout

KEPT = 3
"""Generations on disk: the one in force, and two to look back at after a mistake."""
CURRENT = "current"
MANIFEST = "generation.json"
_LOCK = ".lock"
_BUILDING = ".building"
_NEW_LINK = ".current-new"
_NAME = re.compile(r"gen-([1-9][0-9]{0,14})")


class Generation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``generation.json``: what a generation came from."""

    number: int
    config_sha256: str
    """Of the YAML file: another one there now is not applied yet."""
    applied_at: float
    """Seconds since the epoch."""
    config: str
    """The path that it was read from."""


@contextlib.contextmanager
def locked(config_dir: int) -> Iterator[None]:
    """Hold the folder's lock; a second ``apply`` waits for the moment that the first takes."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(_LOCK, flags, 0o600, dir_fd=config_dir)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def read_current(config_dir: int) -> tuple[Generation, dict[str, bytes]] | None:
    """Return the generation in force and its files, or None where there is none that is whole."""
    try:
        name = os.readlink(CURRENT, dir_fd=config_dir)
        if _NAME.fullmatch(name) is None:
            return None
        with folder.open_folder(name, config_dir) as opened:
            files = {entry: folder.read_file(entry, opened) for entry in folder.names(opened)}
        manifest = msgspec.json.decode(files.pop(MANIFEST), type=Generation)
    except (OSError, KeyError, *UNDECODABLE):
        return None
    return manifest, files


def next_number(config_dir: int) -> int:
    """Return a number above every generation's on disk."""
    return max(_numbers(config_dir), default=0) + 1


def publish(config_dir: int, manifest: Generation, files: Mapping[str, bytes]) -> None:
    """Write a generation and put it in force; the caller holds the lock.

    Raises OSError; what was in force before it then still is, but for a failure of the very last
    sync, after which either may be.
    """
    _discard_leftovers(config_dir)
    name = f"gen-{manifest.number}"
    os.mkdir(_BUILDING, 0o700, dir_fd=config_dir)
    with folder.open_folder(_BUILDING, config_dir) as building:
        for file, data in {**files, MANIFEST: msgspec.json.encode(manifest)}.items():
            folder.write_file(file, data, building)
        os.fsync(building)
    os.rename(_BUILDING, name, src_dir_fd=config_dir, dst_dir_fd=config_dir)
    os.fsync(config_dir)
    os.symlink(name, _NEW_LINK, dir_fd=config_dir)
    os.rename(_NEW_LINK, CURRENT, src_dir_fd=config_dir, dst_dir_fd=config_dir)
    os.fsync(config_dir)


def _discard_leftovers(config_dir: int) -> None:
    """Remove what an ``apply`` that was ended midway left behind."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_NEW_LINK, dir_fd=config_dir)
    with contextlib.suppress(FileNotFoundError):
        folder.remove_flat(_BUILDING, config_dir)


def prune(config_dir: int) -> None:
    """Remove all generations but the newest KEPT and the one in force."""
    in_force = os.readlink(CURRENT, dir_fd=config_dir)
    for number in sorted(_numbers(config_dir))[:-KEPT]:
        if f"gen-{number}" != in_force:
            folder.remove_flat(f"gen-{number}", config_dir)


def _numbers(config_dir: int) -> list[int]:
    matches = (_NAME.fullmatch(name) for name in folder.names(config_dir))
    return [int(match[1]) for match in matches if match]


def current_generation(layout: Layout) -> Generation | None:
    """Return the generation in force, or None before the first ``apply``.

    Raises PsiError where the folder cannot be read, as anyone but root finds it.
    """
    try:
        data = (layout.current / MANIFEST).read_bytes()
        return msgspec.json.decode(data, type=Generation)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PsiError(f"cannot read {layout.current}: {error.strerror}; run as root") from None
    except UNDECODABLE as error:
        raise PsiError(f"{layout.current} is damaged: {error}; run psictl apply") from None
