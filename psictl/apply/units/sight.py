"""What the services' sandboxes see, and what of the rest they may be shown.

As systemd/psi-broker.service and psi-sealer.service have it: /usr is seen by both, /etc and
/var/lib/psi by the broker. Everything else has to be bound in, a folder at a time, since a file
that is replaced by rename would go stale.
"""

from pathlib import Path
from typing import Final

_SECRET: Final = (
    "/etc/psi", "/etc/credstore", "/etc/credstore.encrypted", "/etc/shadow", "/etc/shadow-",
    "/etc/gshadow", "/etc/gshadow-", "/etc/ssh", "/etc/ssl/private", "/etc/sudoers",
    "/etc/sudoers.d",
)  # fmt: skip  # a list of words
_PRIVATE: Final = (
    "/home", "/root", "/run/user", "/tmp", "/var/tmp", "/proc", "/sys", "/dev", "/boot",  # noqa: S108
    "/run/credentials", "/run/systemd", "/run/psi", "/run/psi-ipc", "/run/psi-ctl",
    "/run/psi-hooks", "/usr/lib/psi", "/var/lib/psi-config", "/var/lib/psi-sealer",
    "/var/lib/psi-pki",
)  # fmt: skip  # a list of words
_STATE: Final = "/var/lib/psi"
_COMMON: Final = frozenset({"/var/lib", "/var/cache", "/var/log", "/var/spool", "/var/opt"})
"""Folders of everybody's, as those at the root are: nobody is shown all of one."""


def is_below(path: str, *folders: str) -> bool:
    """Tell whether a path is one of these folders or lies in one."""
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def broker_sees(path: str) -> bool:
    """Tell whether the broker reads a file without further ado."""
    return is_below(path, "/usr", "/etc", _STATE) and not is_below(path, *_SECRET, *_PRIVATE)


def sealer_sees(path: str) -> bool:
    """Tell whether the sealer reads a file without further ado."""
    return is_below(path, "/usr") and not is_below(path, *_PRIVATE)


def hindrance(path: str) -> str:
    """Return why a file cannot be shown to a service, with the remedy; nothing if it can."""
    folder = str(Path(path).parent)
    if is_below(path, *_SECRET, *_PRIVATE):
        return "is hidden from the service; use a folder such as /run/NAME or /var/lib/NAME"
    if folder.count("/") < 2 or folder in _COMMON:
        return f"would show all of {folder} to the service; give it a folder of its own"
    return ""
