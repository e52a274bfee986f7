"""The Debian releases that the tests boot, and what is installed on such a host."""

from dataclasses import dataclass
from typing import Final

_SERVER: Final = (
    # What a server of either release has: an init with its bus, its users' sessions, Podman.
    "systemd", "systemd-sysv", "udev", "dbus-broker", "polkitd", "libpam-systemd",
    "libnss-systemd", "iproute2", "procps", "podman", "crun", "conmon", "netavark",
    "nftables", "uidmap", "catatonit", "curl", "ca-certificates",
    # What PSI's installation asks for, and its devices.
    "make", "python3", "python3-venv", "tpm-udev", "tpm2-tools", "softhsm2", "opensc",
    # What tests look with, and what their containers are made of.
    "busybox-static", "strace",
)  # fmt: skip  # grouped by purpose
_COMPILER: Final = ("gcc", "libc6-dev", "pkg-config", "python3-dev", "libtss2-dev")


@dataclass(frozen=True, slots=True)
class Suite:
    """A release: its name, its systemd, and what its Podman and crun do."""

    name: str
    systemd: int
    quadlet: bool
    """Podman makes units of ``.container`` files, and reads their drop-ins (5.0)."""
    crun_raises_memlock: bool
    """Before it limits a container's devices; a machine without CAP_SYS_RESOURCE refuses it."""
    packages: tuple[str, ...]
    compiler: tuple[str, ...] = _COMPILER
    """What the wheels are built with; it is not on the host."""


TRIXIE: Final = Suite(
    "trixie",
    systemd=257,
    quadlet=True,
    crun_raises_memlock=False,
    packages=(
        *_SERVER,
        "libtss2-esys-3.0.2-0t64", "libtss2-mu-4.0.1-0t64", "libtss2-rc0t64",
        "libtss2-tctildr0t64", "libtss2-tcti-device0t64", "libtss2-tcti-swtpm0t64",
    ),
)  # fmt: skip  # grouped by purpose
BOOKWORM: Final = Suite(
    "bookworm",
    systemd=252,
    quadlet=False,
    crun_raises_memlock=True,
    packages=(
        *_SERVER,
        "iptables",  # its netavark knows no nftables
        "libtss2-esys-3.0.2-0", "libtss2-mu0", "libtss2-rc0",
        "libtss2-tctildr0", "libtss2-tcti-device0", "libtss2-tcti-swtpm0",
    ),
)  # fmt: skip  # grouped by purpose
SUITES: Final = (TRIXIE, BOOKWORM)
