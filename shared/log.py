"""Operational log: one ``event key=value`` line on stderr, which is the journal on a real host."""

import logging
import os
import sys
import traceback
from typing import Any

from psi.shared.processes import Process
from psi.shared.text import VALUE_CHARACTERS, key_value, printable

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3}
LEVEL = "PSI_LOG_LEVEL"
"""``debug``, ``info``, ``warning`` or ``error`` in the environment; no shipped unit sets it."""


class _Formatter(logging.Formatter):
    """Prefixes the syslog priority that journald understands (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = getattr(record, "fields", {})
        # A library's message may quote a peer: one line, and no control character.
        message = printable(record.getMessage(), VALUE_CHARACTERS)
        head = f"<{_PRIORITY.get(record.levelno, 5)}>{record.name}: {message}"
        return f"{head} {key_value(fields)}" if fields else head


class Log:
    """A process's log; fields are foreign text until proven otherwise, so all are cleaned."""

    def __init__(self, process: Process) -> None:
        self.name = str(process)
        self._logger = logging.getLogger(f"psi-{process}")

    def debug(self, event: str, **fields: object) -> None:
        """Write what only a developer wants to know."""
        self._logger.debug(event, extra={"fields": fields})

    def info(self, event: str, **fields: object) -> None:
        """Write what an operator may want to know."""
        self._logger.info(event, extra={"fields": fields})

    def warning(self, event: str, **fields: object) -> None:
        """Write what an operator should look at."""
        self._logger.warning(event, extra={"fields": fields})

    def error(self, event: str, **fields: object) -> None:
        """Write what has failed."""
        self._logger.error(event, extra={"fields": fields})

    def fault(self, event: str, error: BaseException, **fields: object) -> None:
        """Write a defect: type and place, never the text, which may hold what a peer sent."""
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"
        self._logger.error(
            event, extra={"fields": {"fault": type(error).__name__, "at": place, **fields}}
        )


def configure_logging(level: int | None = None) -> None:
    """Send every logger's lines to stderr; libraries below WARNING stay silent.

    httpx logs request URLs at INFO, which name secrets. Without a level the environment's
    holds, else INFO.
    """
    if level is None:
        level = _LEVELS.get(os.environ.get(LEVEL, "").lower(), logging.INFO)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for process in Process:
        logging.getLogger(f"psi-{process}").setLevel(level)
