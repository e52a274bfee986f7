"""What a process is told about itself, and sees of others."""

import os
from pathlib import Path

_STATUS = Path("/proc/self/status")
_LIMITS = Path("/proc/self/limits")
_INTERFACES = Path("/proc/self/net/dev")
_MOUNTS = Path("/proc/self/mountinfo")


def field(name: str) -> str:
    """Return a field of one's own status (proc_pid_status(5))."""
    for line in _STATUS.read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return value.strip()
    raise KeyError(name)


def limit(name: str) -> list[str]:
    """Return the soft and the hard limit of that name (proc_pid_limits(5))."""
    for line in _LIMITS.read_text().splitlines():
        if line.startswith(name):
            return line.removeprefix(name).split()[:2]
    raise KeyError(name)


def interfaces() -> list[str]:
    """Return the network's interfaces, without a socket to ask by."""
    lines = _INTERFACES.read_text().splitlines()[2:]
    return sorted(line.partition(":")[0].strip() for line in lines)


def mounts() -> dict[str, list[str]]:
    """Return each mount's point and options; what is mounted over is not seen."""
    fields = [line.split(" ") for line in _MOUNTS.read_text().splitlines()]
    return {entry[4]: sorted(entry[5].split(",")) for entry in fields}


def others() -> int:
    """Count the processes of other users that can be seen."""
    found = 0
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                found += process.stat().st_uid != os.getuid()
            except FileNotFoundError:
                continue  # it ended meanwhile
    return found


def credentials() -> list[str]:
    """Return the names of the credentials that systemd gave."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return sorted(entry.name for entry in Path(folder).iterdir()) if folder else []


def namespace(name: str) -> str:
    """Return which namespace of a kind we are in (namespaces(7))."""
    return str(Path("/proc/self/ns", name).readlink())


def mask() -> str:
    """Return the bits that no file of ours gets."""
    found = os.umask(0o077)
    os.umask(found)
    return f"{found:04o}"


def identity() -> dict[str, object]:
    """Return who we are, and in which groups beside our own."""
    groups = sorted(set(os.getgroups()) - {os.getgid()})
    return {"uid": os.getuid(), "gid": os.getgid(), "groups": groups}


VERBS = {
    "field": field,
    "limit": limit,
    "interfaces": interfaces,
    "mounts": mounts,
    "mask": mask,
    "namespace": namespace,
    "others": others,
    "credentials": credentials,
    "identity": identity,
}
