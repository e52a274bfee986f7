"""Services that hang: stopped by SIGSTOP, they are killed by their watchdog and started anew."""

import os
import signal
import threading
from functools import partial
from typing import Any, Final

from tests.system.qemu.guest.commands import run, show, wait
from tests.system.qemu.guest.lookups import lookup

HUNG: Final = ("frontend", "pki")
SERVICES: Final = (*HUNG, "broker", "sealer")
SOCKETS: Final = ("psi-frontend.socket", "psi-pki-ctl.socket")
WATCHDOG_WAIT_SECONDS: Final = 240.0
"""30 as shipped, and what a start takes here."""


class Hang:
    """Two services stopped at once, and a lookup that waits for one of them."""

    def __init__(self, secret_id: str) -> None:
        self._before = _lives()
        self._sockets_before = _sockets()
        for process in HUNG:
            os.kill(int(self._before[process]["MainPID"]), signal.SIGSTOP)
        self._answer: dict[str, Any] = {}
        self._waiting = threading.Thread(target=self._ask, args=(secret_id,), daemon=True)
        self._waiting.start()

    def _ask(self, secret_id: str) -> None:
        try:
            self._answer = lookup(secret_id)
        except OSError as error:
            self._answer = {"error": repr(error)}

    def look(self) -> dict[str, Any]:
        """Wait until both were killed and are there again; return what systemd told."""
        for process in HUNG:
            wait(partial(self._is_anew, process), f"{process} anew", WATCHDOG_WAIT_SECONDS)
        self._waiting.join(WATCHDOG_WAIT_SECONDS)
        return {
            "before": self._before,
            "after": _lives(),
            "sockets_before": self._sockets_before,
            "sockets_after": _sockets(),
            "told": {process: _told(process) for process in HUNG},
            "answer": self._answer,
        }

    def _is_anew(self, process: str) -> bool:
        now, before = _life(process), self._before[process]
        return now["ActiveState"] == "active" and now["NRestarts"] != before["NRestarts"]


def _lives() -> dict[str, dict[str, str]]:
    return {process: _life(process) for process in SERVICES}


def _life(process: str) -> dict[str, str]:
    return show(f"psi-{process}.service", "MainPID", "NRestarts", "ActiveState", "WatchdogUSec")


def _sockets() -> dict[str, dict[str, str]]:
    return {unit: show(unit, "ActiveState", "ActiveEnterTimestampMonotonic") for unit in SOCKETS}


def _told(process: str) -> list[str]:
    argv = ["journalctl", "--boot", "--quiet", "--output=cat", f"--unit=psi-{process}.service"]
    return [line for line in run(argv).stdout.splitlines() if "atchdog" in line or "kill" in line]
