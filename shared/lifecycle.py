"""From READY to STOPPING: what every service says to systemd, and how it ends."""

import asyncio
import os
import resource
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from psi.shared.errors import PsiError
from psi.shared.limits import Limits
from psi.shared.log import Log

DEVELOPMENT_ROOT = "PSI_DEV_ROOT"
"""Set by ``psictl dev`` alone: the folder that stands for ``/``."""


class Notifier(Protocol):
    """What sdnotify offers (sd_notify(3))."""

    def notify(self, state: str) -> None:
        """Send a state to NOTIFY_SOCKET, if there is one."""
        ...


def forbid_core_dumps(
    setrlimit: Callable[[int, tuple[int, int]], None] = resource.setrlimit,
    limits: Path = Path("/proc/self/limits"),
) -> None:
    """Have the kernel write no core of this process: it would hold secrets (core(5)).

    The units' system call filter refuses to set a limit, and also to ask for it, but their
    LimitCORE=0 has set it (systemd.exec(5)). Raises PsiError where it is refused and the hard
    limit, as the kernel's own file has it (proc_pid_limits(5)), is not 0.
    """
    try:
        setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError) as error:
        # Python makes a ValueError of EPERM (library/resource).
        hard = _hard_core_limit(limits)
        if hard != "0":
            raise PsiError(
                f"core dumps cannot be forbidden: {error}, and their hard limit is {hard}; "
                "set LimitCORE=0 in the service's unit"
            ) from error


def _hard_core_limit(limits: Path) -> str:
    """Return it in bytes, or ``unlimited``, or ``unknown`` where the file does not tell."""
    name = "Max core file size"
    try:
        lines = limits.read_text().splitlines()
    except OSError:
        lines = []
    fields = [line.removeprefix(name).split() for line in lines if line.startswith(name)]
    return fields[0][1] if fields and len(fields[0]) > 1 else "unknown"


def socket_path(path: str) -> str:
    """Return a socket's path on this host, below the root that a development host stands on."""
    return os.environ.get(DEVELOPMENT_ROOT, "") + path


async def run_until_stopped(
    notifier: Notifier,
    limits: Limits,
    log: Log,
    drain: Callable[[], Awaitable[None]],
    healthy: Callable[[], bool] = lambda: True,
    useful: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Say READY, feed the watchdog from the event loop, and drain on SIGTERM or SIGINT.

    READY waits for ``useful``; a signal meanwhile drains all the same, for the sockets are open.
    The watchdog is pinged only while the loop turns, for a hung loop is a hung service, and
    only while ``healthy`` says so: a thread may hang while the loop turns (r22).
    """
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: _log_fault(log, context))
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    watchdog = asyncio.create_task(_feed_watchdog(notifier, limits, log, healthy))
    if await _first(useful, stopping):
        notifier.notify("READY=1")
        log.info("ready")
    await stopping.wait()
    notifier.notify("STOPPING=1")
    log.info("stopping")
    await drain()
    watchdog.cancel()


async def _first(useful: Callable[[], Awaitable[None]] | None, stopping: asyncio.Event) -> bool:
    """Wait until the service is useful or stopping; tell whether it is the former."""
    if useful is None:
        return True
    ready, stopped = asyncio.ensure_future(useful()), asyncio.ensure_future(stopping.wait())
    await asyncio.wait({ready, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not ready.done():
        ready.cancel()
        return False
    await ready
    return True


async def _feed_watchdog(
    notifier: Notifier, limits: Limits, log: Log, healthy: Callable[[], bool]
) -> None:
    seconds = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6
    while seconds > 0:
        if healthy():
            notifier.notify("WATCHDOG=1")
        else:
            log.error("watchdog.withheld", cause="a call hangs; systemd restarts the service")
        await asyncio.sleep(seconds * limits.watchdog_fraction)


def _log_fault(log: Log, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if isinstance(error, BaseException):
        log.fault("loop.fault", error)
    else:
        log.error("loop.fault", cause=context.get("message", "unknown"))
