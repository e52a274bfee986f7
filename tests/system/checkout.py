"""The files of this checkout, as a user would have them after cloning it."""

import io
import subprocess
import tarfile
from functools import cache
from pathlib import Path
from typing import Final

from tests.system.cache import key_of

ROOT: Final = Path(__file__).resolve().parents[2]
_NOT_INSTALLED: Final = ("tests", "benchmarks", "demo", ".ci")
"""A change of these changes nothing on a host."""
_LEFT_OUT: Final = frozenset({"__pycache__", "build", "dist", "node_modules"})


def _names() -> list[str]:
    """Return what git knows or would add; without git (an unpacked sdist) what lies there."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "-co", "--exclude-standard"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode == 0:
        found = {name for name in done.stdout.decode().split("\0") if name}
    else:
        paths = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
        found = {
            str(path)
            for path in paths
            if not any(part in _LEFT_OUT or part.startswith(".") for part in path.parts)
        }
    return sorted(name for name in found if (ROOT / name).is_file())


@cache
def snapshot() -> dict[str, tuple[int, bytes]]:
    """Return mode and content of each file that an installation reads, as they are now.

    Read once in a process, so that an edit during the run does not give two versions.
    """
    names = [
        name for name in _names() if not name.startswith(tuple(f"{n}/" for n in _NOT_INSTALLED))
    ]
    return {
        name: ((ROOT / name).stat().st_mode & 0o777, (ROOT / name).read_bytes()) for name in names
    }


@cache
def checkout_key() -> str:
    """Return a hash of the snapshot."""
    parts = [
        part
        for name, (mode, data) in snapshot().items()
        for part in (name.encode(), oct(mode).encode(), data)
    ]
    return key_of(*parts)


def archive() -> bytes:
    """Return the snapshot as a tar archive."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, (mode, data) in snapshot().items():
            member = tarfile.TarInfo(name)
            member.mode, member.size = mode, len(data)
            tar.addfile(member, io.BytesIO(data))
    return content.getvalue()


def unpack(target: Path) -> None:
    """Write the snapshot below a folder of this machine."""
    for name, (mode, data) in snapshot().items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)
