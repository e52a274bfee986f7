"""The one table of services that a development host starts, and the sockets of each.

It says for a folder what the unit files say for a host.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from psi.shared.errors import ConfigError
from psi.shared.processes import Process
from psictl.layout import Layout


@dataclass(frozen=True)
class Listener:
    """A listening socket; its name is the caller's role (FileDescriptorName=)."""

    caller: Process
    path: Callable[[Layout], Path]
    mode: int


@dataclass(frozen=True)
class Service:
    """A process, how it is started, and what it is given."""

    process: Process
    argv: tuple[str, ...]
    listeners: tuple[Listener, ...]
    configured: bool = False
    """Whether it reads a projection; without one it has nothing to do and is not started."""
    ready_seconds: float = 75
    """TimeoutStartSec=: the broker says READY after at most 60, cache loaded or not."""
    stop_seconds: float = 10
    """TimeoutStopSec=: a drain takes 3."""


def _python(process: Process) -> tuple[str, ...]:
    return (sys.executable, "-I", "-m", f"psi.{process}")


def _ipc(server: Process, caller: Process) -> Listener:
    return Listener(caller, lambda layout: layout.ipc_socket(server, caller), 0o660)


def _control(server: Process) -> Listener:
    return Listener(Process.CTL, lambda layout: layout.control_socket(server), 0o600)


SERVICES = (
    Service(
        Process.SEALER,
        _python(Process.SEALER),
        (_ipc(Process.SEALER, Process.BROKER), _control(Process.SEALER)),
        configured=True,
    ),
    Service(
        Process.BROKER,
        _python(Process.BROKER),
        (
            _ipc(Process.BROKER, Process.FRONTEND),
            _ipc(Process.BROKER, Process.PKI),
            _control(Process.BROKER),
        ),
        configured=True,
    ),
    Service(Process.PKI, _python(Process.PKI), (_control(Process.PKI),)),
    Service(
        Process.FRONTEND,
        _python(Process.FRONTEND),
        (Listener(Process.HTTP, lambda layout: layout.http_socket, 0o600),),
    ),
)
"""In the order in which they are started; stopped the other way, callers before servers, so that
none is cut off and the last write at shutdown finds the sealer (r23)."""


def check_installed() -> None:
    """Raise ConfigError unless this Python has all services; a host's psictl has none."""
    if any(find_spec(f"psi.{service.process}") is None for service in SERVICES):
        raise ConfigError(
            "psictl dev needs the whole suite in one environment: run it from a checkout, as "
            ".venv/bin/psictl dev (make demo makes one)"
        )
