"""Keeps the process's memory to itself, as far as Python can: no dump, no ptrace by its own uid."""

import ctypes
import os

from psi.shared.lifecycle import forbid_core_dumps
from psi.shared.log import Log

_PR_SET_DUMPABLE = 4
"""prctl(2); also makes /proc/self/mem root's."""


def forbid_dumps(log: Log) -> None:
    """Forbid core dumps and tracing by other processes of this uid; best effort, it is logged."""
    forbid_core_dumps()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        log.warning("memory.dumpable", cause=os.strerror(ctypes.get_errno()))
