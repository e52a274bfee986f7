"""How busy the machine is with other work: it decides what a measurement means.

On a machine that does other things, throughput falls short (PSI needs two cores, the baseline
one) and latency flatters (no core sleeps, so none has to wake up).
"""

import os
import time
from pathlib import Path

STAT = Path("/proc/stat")
_IDLE = slice(3, 5)
"""Of the first line's numbers: idle and iowait (proc(5), /proc/stat)."""
_COUNTED = 8
"""The numbers up to steal; guest time after them is in user time already."""


def busy_seconds(stat: str) -> float:
    """Return the seconds of CPU that all cores spent on work since boot."""
    ticks = [int(word) for word in stat.split("\n", 1)[0].split()[1 : _COUNTED + 1]]
    return (sum(ticks) - sum(ticks[_IDLE])) / os.sysconf("SC_CLK_TCK")


def busy_cores(seconds: float) -> float:
    """Watch for so long and return how many cores were at work on average."""
    before, started = busy_seconds(STAT.read_text()), time.monotonic()
    time.sleep(seconds)
    return (busy_seconds(STAT.read_text()) - before) / (time.monotonic() - started)
