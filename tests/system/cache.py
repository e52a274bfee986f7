"""What is costly to make is made once and kept outside the tree, for all runs on a machine."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

KEPT_ENTRIES: Final = 3
"""Of each kind: the one in use, and those of a branch or two that one goes back to."""
PLENTY_BYTES: Final = 6 * 1024**3
"""A host writes some 300 MiB, and a QEMU guest has 3 GiB of its own."""
_MEMORY: Final = Path("/dev/shm/psi-system-tests")  # noqa: S108  # root's own
_held: dict[Path, int] = {}
"""A shared lock on each entry in use, for as long as this process lives."""


def cache_folder() -> Path:
    """Return the folder that holds all entries; it is made where it is missing."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "psi-system-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def scratch_folder() -> Path:
    """Return the folder for what is removed after its test; it is made where it is missing.

    In memory where there is plenty: package managers and databases wait for the disk at each
    file, and what hosts write need not outlive the run.
    """
    if not _MEMORY.parent.is_dir() or _available_bytes() < PLENTY_BYTES:
        return cache_folder()
    _MEMORY.mkdir(mode=0o700, exist_ok=True)
    return _MEMORY


def scratch_places() -> tuple[Path, ...]:
    """Return where a run may have left something, whatever it had for its scratch folder."""
    return cache_folder(), _MEMORY


def _available_bytes() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def key_of(*parts: str | bytes) -> str:
    """Return a short hash of all parts; their boundaries count."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]


def entry(kind: str, key: str, build: Callable[[Path], None]) -> Path:
    """Return the folder of this kind and key, built by ``build`` where it is not there yet.

    It is built under another name and renamed, so that a killed run leaves none half made; two
    processes do not build the same, since the second waits for the first. It stays while this
    process lives, whatever others clean away.
    """
    folder = cache_folder()
    place = folder / f"{kind}-{key}"
    with _locked(folder / f"{kind}.lock"):
        if not place.is_dir():
            half = folder / f".{kind}-{key}.half"
            remove(half)
            half.mkdir()
            build(half)
            half.rename(place)
        _hold(place)
        os.utime(place)
        _forget_old(folder, kind)
    return place


def remove(folder: Path) -> None:
    """Remove a folder of ours with all below it, if it is there."""
    if folder.exists():
        shutil.rmtree(folder)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _hold(place: Path) -> None:
    if place not in _held:
        fd = os.open(_lock_of(place), os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(fd, fcntl.LOCK_SH)
        _held[place] = fd


def _lock_of(place: Path) -> Path:
    return place.with_name(f".{place.name}.used")


def _forget_old(folder: Path, kind: str) -> None:
    """Remove the entries beyond KEPT_ENTRIES that nobody uses, the longest unused first."""
    key_length = len(key_of())
    entries = [
        path for path in folder.glob(f"{kind}-*") if len(path.name) == len(kind) + 1 + key_length
    ]
    newest_first = sorted(entries, key=lambda path: path.stat().st_mtime, reverse=True)
    for old in newest_first[KEPT_ENTRIES:]:
        fd = os.open(_lock_of(old), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(old)
            _lock_of(old).unlink()
        except BlockingIOError:
            pass  # in use
        finally:
            os.close(fd)
