"""What psictl needs of Podman: five calls, the same over its REST API and by its command."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from psi.shared.errors import InvalidName
from psi.shared.names import ID_PATTERN, printable
from psictl.podman.version import Version

CALL_SECONDS: Final = 120.0
"""One call: Podman runs the driver's store in it (32 s at most) and may first wait for its
host-wide lock behind the lookups of containers that are starting."""
MAX_REPLY_BYTES: Final = 64 * 1024 * 1024
"""A list: 13,000 secrets of a forerunner's host at 1.5 KiB each, three times over."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]*--[A-Za-z0-9_.-]+")
_SEALED_NAME: Final = re.compile(r"(?=.*[^0-9a-f])[A-Za-z_][A-Za-z0-9_]{0,127}")
_NAME_CHARACTERS: Final = 253
"""Podman 5's own bound; 4.3.1 takes 64 (containers/common, pkg/secrets)."""


@dataclass(frozen=True, slots=True)
class PodmanSecret:
    """A secret as Podman lists it; its value is never asked for (r27: that runs a lookup)."""

    id: str
    name: str
    driver: str
    options: Mapping[str, str] = field(default_factory=dict)


class Podman(Protocol):
    """A way to reach Podman.

    Every call ends within CALL_SECONDS and raises an error of psictl.podman.errors.
    """

    def version(self) -> Version:
        """Return the version of the Podman that answers."""
        ...

    def secrets(self) -> list[PodmanSecret]:
        """Return all secrets whose name PSI could have given; others are not PSI's business."""
        ...

    def inspect(self, name: str) -> PodmanSecret | None:
        """Return the secret of that name without its value, or None."""
        ...

    def create(self, name: str, payload: bytes, options: Mapping[str, str]) -> str:
        """Create a secret of the shell driver with these commands and return its id.

        The payload is what the driver's ``store`` gets on its stdin. Raises NameInUse.
        """
        ...

    def remove(self, name: str) -> None:
        """Remove a secret; raises NoSuchSecret."""
        ...


def is_possible_name(name: str) -> bool:
    """Tell whether PSI could have created a secret of this name: ``WORKLOAD--KEY``, or sealed.

    Podman takes the beginning of an id for a name too, so a name that could be one must never
    reach ``secret rm``; no id has a ``-``. And Podman 5 takes any name without ``,``, ``/``,
    ``=`` and NUL, newlines included: such a secret is somebody else's, and its name must not
    reach a terminal or a file.
    """
    if is_sealed_name(name):
        return True
    return len(name) <= _NAME_CHARACTERS and _NAME.fullmatch(name) is not None


def is_sealed_name(name: str) -> bool:
    """Tell whether a sealed secret may have this name: a variable's, and no beginning of an id.

    An id has lowercase hex digits alone and Podman compares it as it stands (containers/common,
    pkg/secrets, strings.HasPrefix), so one other character is enough: ``cafe`` is refused.
    """
    return _SEALED_NAME.fullmatch(name) is not None


def require_name(name: str) -> str:
    """Return the name of a secret that may stand in argv and in a URL; raises InvalidName."""
    if not is_possible_name(name):
        raise InvalidName(
            f"secret name {printable(name)!r} is not valid: "
            "WORKLOAD--KEY of letters, digits, '_', '.', '-', '@', at most 253, or a variable's "
            "name that is not all of 0-9 and a-f"
        )
    return name


def is_id(text: str) -> bool:
    """Tell whether the text is a secret's id."""
    return re.match(ID_PATTERN, text) is not None
