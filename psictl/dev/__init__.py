"""``psictl dev``: a whole host below one folder, for development, tests and the demo.

The same services, sockets and files as under systemd, but for the users: children run as the
caller, and peers are held against the caller's uid.
"""

import asyncio
import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from psi.shared.errors import UNDECODABLE, ConfigError, PsiError
from psi.shared.limits import Limits
from psictl import apply
from psictl.apply.stand_in import write_stand_in
from psictl.dev.device import prepare_device
from psictl.dev.host import Host
from psictl.dev.notify import ReadyListener
from psictl.dev.services import SERVICES, Service
from psictl.dev.sockets import Sockets
from psictl.layout import Layout

__all__ = ["run"]


def run(
    root: Path,
    config: Path,
    limits: Path | None = None,
    sealer: str | None = None,
    *,
    services: tuple[Service, ...] = SERVICES,
) -> int:
    """Apply a configuration below ``root`` and run its services until SIGTERM; returns 0.

    Raises ConfigError for bad arguments or a bad configuration, PsiError where another
    development host has this root or something cannot be started.
    """
    layout = Layout(root.absolute())
    if layout.is_host:
        raise ConfigError("the root / is the host itself; give a folder by --root")
    overrides = None if limits is None else _read_limits(limits)
    try:
        with _exclusive(layout):
            _run(layout, config, overrides, sealer, services)
    except OSError as error:
        raise PsiError(
            f"the development host ends: {error}; correct that and start again"
        ) from error
    return 0


def _run(
    layout: Layout,
    config: Path,
    limits: bytes | None,
    sealer: str | None,
    services: tuple[Service, ...],
) -> None:
    device = None if sealer is None else prepare_device(sealer, layout)
    write_stand_in(layout, None if device is None else device.stand_in)
    for notice in apply.write(config, layout).notices:
        _say(notice)
    _say(f"services run as uid {os.geteuid()}, and peers must have that uid: no walls between them")
    for folder in (layout.state, layout.sealer_state):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    notify = ReadyListener(layout.run / "dev-notify.sock")
    sockets = Sockets(layout)
    with contextlib.closing(notify), contextlib.closing(sockets):
        asyncio.run(Host(layout, services, sockets, notify, limits, device).run())
    layout.development_socket.unlink(missing_ok=True)
    write_stand_in(layout, None)


@contextlib.contextmanager
def _exclusive(layout: Layout) -> Iterator[None]:
    """Hold the root; raises PsiError where another development host has it."""
    layout.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    layout.run.mkdir(exist_ok=True)
    with (layout.run / "dev.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PsiError(
                f"another psictl dev runs below {layout.root}; stop it or give another --root"
            ) from None
        yield


def _read_limits(path: Path) -> bytes:
    """Return the file's bytes after the check that each service makes of them."""
    try:
        data = path.read_bytes()
        msgspec.json.decode(data, type=Limits)
    except OSError as error:
        raise ConfigError(f"--limits {path}: {error.strerror}; name a JSON file") from None
    except UNDECODABLE as error:
        raise ConfigError(f"--limits {path}: {error}; see shared/limits.py for the names") from None
    return data


def _say(line: str) -> None:
    sys.stderr.write(f"psictl dev: {line}\n")
