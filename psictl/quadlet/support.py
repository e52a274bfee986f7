"""What a Podman version can do for quadlet units (r18); the numbers are Podman's release notes."""

from typing import Final

from psi.shared.errors import ConfigError
from psi.shared.names import printable
from psictl.podman.version import Version

DROPINS_SINCE: Final = Version(5, 0)
"""Before it drop-in folders of .container units are ignored without a word."""
AT_SIGN_SINCE: Final = Version(5, 0)
"""Podman 4.3.1 refuses a secret's name with ``@``."""


def reads_dropins(version: Version) -> bool:
    """Tell whether this Podman's quadlet reads ``NAME.container.d``."""
    return version >= DROPINS_SINCE


def without_dropins(version: Version, unit: str) -> str:
    """Return what to tell a person whose Podman reads no drop-ins."""
    return (
        f"Podman {version} does not read drop-ins of {unit} (it needs {DROPINS_SINCE}): the "
        "secrets are registered, and the unit must name each itself, as Secret=NAME,type=env"
    )


def check_workload(version: Version, workload: str) -> None:
    """Refuse a template's name where Podman takes no ``@`` in a secret's name."""
    if "@" in workload and version < AT_SIGN_SINCE:
        raise ConfigError(
            f"workload {printable(workload)}: secrets of a template need Podman {AT_SIGN_SINCE}, "
            f"this is {version}; upgrade Podman or give the workload a name without '@'"
        )
