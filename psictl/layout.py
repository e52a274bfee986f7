"""Where everything is on a host: one table of paths below a root, which is ``/`` but for tests.

``psictl dev`` keeps a whole host below a folder of its own; everything else about it is the same.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from psi.shared.errors import ConfigError
from psi.shared.processes import Process

MAX_ROOT_BYTES = 60
"""A socket's path ends at 108 bytes (unix(7)), and the longest one below the root has 33."""


@dataclass(frozen=True)
class Layout:
    """Every path that psictl reads or writes, below ``root``.

    Raises ConfigError for a root that is relative or longer than MAX_ROOT_BYTES.
    """

    root: Path = Path("/")

    def __post_init__(self) -> None:
        length = len(os.fsencode(self.root))
        if length > MAX_ROOT_BYTES:
            raise ConfigError(
                f"the root {self.root} has {length} bytes, at most {MAX_ROOT_BYTES} fit: "
                "socket paths end at 108; choose a shorter folder, such as one in /tmp"
            )
        if not self.root.is_absolute():
            raise ConfigError(f"the root {self.root} is not absolute; give it from / on")

    @property
    def is_host(self) -> bool:
        """Whether this is the host itself, where systemd starts the services."""
        return self.root.resolve() == Path("/")

    @property
    def config(self) -> Path:
        """The one file for people; ``--config`` names another."""
        return self.root / "etc/psi/config.yaml"

    @property
    def config_dir(self) -> Path:
        """The generations that ``apply`` wrote, and the link ``current``."""
        return self.root / "var/lib/psi-config"

    @property
    def current(self) -> Path:
        """The generation in force; it is a link, changed by one rename."""
        return self.config_dir / "current"

    @property
    def generated(self) -> Path:
        """Each generation's unit drop-ins, and the link ``current``; PID 1 reads them at boot.

        Below ``etc``, since what lies below ``var`` may be mounted after PID 1 loaded its units.
        """
        return self.root / "etc/psi/generated"

    @property
    def unit_dir(self) -> Path:
        """The administrator's units and drop-in folders (systemd.unit(5))."""
        return self.root / "etc/systemd/system"

    @property
    def state(self) -> Path:
        """The broker's state folder."""
        return self.root / "var/lib/psi"

    @property
    def sealer_state(self) -> Path:
        """The sealer's state folder, with the keyslot file."""
        return self.root / "var/lib/psi-sealer"

    @property
    def http_socket(self) -> Path:
        """Where Podman's driver command asks; frozen into every secret, so it never moves."""
        return self.root / "run/psi/psi.sock"

    def ipc_socket(self, server: Process, caller: Process) -> Path:
        """Where one service asks another; the folder carries the server's and caller's names."""
        return self.root / f"run/psi-ipc/{server}-{caller}/sock"

    def control_socket(self, server: Process) -> Path:
        """Where psictl asks a service."""
        return self.root / f"run/psi-ctl/{server}.sock"

    @property
    def quadlets(self) -> Path:
        """Quadlet units and the drop-in folders beside them (podman-systemd.unit(5))."""
        return self.root / "etc/containers/systemd"

    @property
    def containers_conf_dir(self) -> Path:
        """Podman's configuration snippets (containers.conf(5))."""
        return self.root / "etc/containers/containers.conf.d"

    @property
    def credstore(self) -> Path:
        """Named credentials in clear (systemd.exec(5), LoadCredential=)."""
        return self.root / "etc/credstore"

    @property
    def credstore_encrypted(self) -> Path:
        """Named credentials that PID 1 decrypts (systemd.exec(5), LoadCredentialEncrypted=)."""
        return self.root / "etc/credstore.encrypted"

    @property
    def run(self) -> Path:
        """Files that do not outlive a boot; the development host keeps its own here."""
        return self.root / "run"

    @property
    def development_socket(self) -> Path:
        """Where ``psictl dev`` hears that the configuration changed."""
        return self.root / "run/dev.sock"

    @property
    def development_device(self) -> Path:
        """The state of the device that ``psictl dev --sealer`` emulates."""
        return self.root / "dev-device"

    @property
    def stand_in(self) -> Path:
        """What ``psictl dev --sealer`` puts in the place of the configured device."""
        return self.root / "run/dev-stand-in.json"
