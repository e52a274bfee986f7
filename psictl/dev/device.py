"""The device that ``--sealer`` emulates: none at all, a TPM, or a token; state in ``dev-device``.

What is protected by one is not protected: its state lies beside what it seals.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from psi.shared.errors import ConfigError
from psictl.apply.stand_in import StandIn
from psictl.dev.softhsm import prepare_token
from psictl.dev.swtpm import swtpm_argv, swtpm_sockets
from psictl.layout import Layout

START_SECONDS: Final = 20.0
"""swtpm needs some 50 ms, and more on a busy machine."""


@dataclass(frozen=True)
class Device:
    """An emulated device, and how the sealer finds it."""

    name: str
    stand_in: StandIn
    environment: Mapping[str, str] = field(default_factory=dict)
    """Of the sealer, beside what every service has."""
    argv: tuple[str, ...] = ()
    """The emulator, where it is a process of its own."""
    sockets: tuple[Path, ...] = ()
    """Where it listens once it can be used."""

    def listens(self) -> bool:
        """Return whether its sockets are there."""
        return all(path.exists() for path in self.sockets)


def prepare_device(name: str, layout: Layout) -> Device:
    """Make an emulated device's state where there is none yet.

    Raises ConfigError for a name that is none, or an emulator that is not installed.
    """
    if name not in _MAKERS:
        raise ConfigError(f"--sealer takes {', '.join(_MAKERS)}; choose one or leave it out")
    layout.development_device.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _MAKERS[name](layout.development_device)


def _software(_folder: Path) -> Device:
    return Device("software", StandIn(backend="software"))


def _swtpm(folder: Path) -> Device:
    sockets = swtpm_sockets(folder)
    stand_in = StandIn(backend="tpm", tcti=f"swtpm:path={sockets[0]}")
    return Device("swtpm", stand_in, argv=swtpm_argv(folder), sockets=sockets)


def _softhsm(folder: Path) -> Device:
    environment, token = prepare_token(folder)
    return Device("softhsm", StandIn(backend="hsm", pkcs11=token), environment)


_MAKERS: Final[dict[str, Callable[[Path], Device]]] = {
    "software": _software,
    "swtpm": _swtpm,
    "softhsm": _softhsm,
}
