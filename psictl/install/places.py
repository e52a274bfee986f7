"""Where an installation is: the programs below one prefix, and the few files that others look for.

``root`` is ``/`` but where a package is staged; what is written *into* files is always as the
host sees it, without the root.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from psi.shared.errors import ConfigError
from psi.shared.names import printable

PREFIX: Final = "/usr/lib/psi"
"""What the shipped units name; another prefix is put in its place."""
_PREFIX_FORM: Final = re.compile(r"\A(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)+\Z")
"""It stands in unit files, where blanks, ``%`` and quotes mean something (systemd.syntax(7))."""
MAX_PREFIX_BYTES: Final = 80
"""A script's first line names an interpreter below it and ends at 127 bytes on old kernels."""
_NOT_BELOW: Final = ("/boot", "/dev", "/etc", "/home", "/proc", "/root", "/run", "/sys", "/var")
"""Hidden from the services, gone at a boot, or no place for programs (hier(7))."""


@dataclass(frozen=True)
class Places:
    """The paths of an installation below ``root``.

    Raises ConfigError for a prefix that units cannot name or services cannot reach.
    """

    root: Path = Path("/")
    prefix: str = PREFIX

    def __post_init__(self) -> None:
        if not _PREFIX_FORM.match(self.prefix) or len(self.prefix) > MAX_PREFIX_BYTES:
            raise ConfigError(
                f"--prefix {printable(self.prefix)!r}: give an absolute path of letters, digits, "
                f"'.', '_' and '-', at most {MAX_PREFIX_BYTES} bytes, such as {PREFIX}"
            )
        if any(f"{self.prefix}/".startswith(f"{each}/") for each in _NOT_BELOW):
            raise ConfigError(
                f"--prefix {self.prefix}: programs cannot be there, the services would not see "
                f"them; choose a folder below /usr or /opt, such as {PREFIX}"
            )

    def below(self, path: str) -> Path:
        """Return where an absolute path of the host is below the root."""
        return self.root / path.lstrip("/")

    @property
    def home(self) -> Path:
        """All programs."""
        return self.below(self.prefix)

    @property
    def versions(self) -> Path:
        """One folder per version; a complete one has a manifest."""
        return self.home / "versions"

    @property
    def current(self) -> Path:
        """The link to the version in force, changed by one rename."""
        return self.home / "current"

    @property
    def skeleton(self) -> Path:
        """What the services see as their root folder, before anything is bound into it."""
        return self.home / "root"

    @property
    def unfinished(self) -> Path:
        """There from before the switch until the services run from the new version."""
        return self.home / "unfinished"

    @property
    def launcher(self) -> Path:
        """The link by which a person finds psictl."""
        return self.root / "usr/local/bin/psictl"

    @property
    def config_dir(self) -> Path:
        """Where a person keeps the configuration."""
        return self.root / "etc/psi"


UNITS: Final = "/usr/lib/systemd/system"
SYSUSERS: Final = "/usr/lib/sysusers.d"
TMPFILES: Final = "/usr/lib/tmpfiles.d"
