"""Attempts at files and folders."""

import os
import stat
import tempfile
from pathlib import Path

READ_BYTES = 4096
SETUID = 0o4755


def read(path: str) -> str:
    """Return the beginning of a file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(descriptor, READ_BYTES).decode(errors="replace")
    finally:
        os.close(descriptor)


def open_device(path: str) -> str:
    """Open a device for reading and writing."""
    os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
    return "opened"


def names(path: str) -> list[str]:
    """List a folder."""
    return sorted(entry.name for entry in Path(path).iterdir())


def create(path: str) -> str:
    """Create a file and remove it again."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    Path(path).unlink()
    return "created"


def keep(path: str, text: str) -> str:
    """Create a file that only its owner may read, and leave it."""
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)
    return "written"


def append(path: str) -> str:
    """Open a file that is there for writing, and write nothing."""
    os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC))
    return "opened"


def setuid(folder: str) -> str:
    """Give a file of one's own the set-uid bit."""
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        Path(file.name).chmod(SETUID)
        return oct(stat.S_IMODE(Path(file.name).stat().st_mode))


def own(folder: str) -> str:
    """Give a file of one's own to its owner again: nothing changes where chown(2) is allowed."""
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        os.chown(file.name, os.getuid(), os.getgid())
        return "owned"


def node(folder: str) -> str:
    """Make a device node: /dev/null's, so that one made outside does no harm."""
    path = Path(folder, "probe-node")
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    path.unlink()
    return "made"


VERBS = {
    "read": read,
    "device": open_device,
    "list": names,
    "create": create,
    "keep": keep,
    "append": append,
    "setuid": setuid,
    "own": own,
    "node": node,
}
