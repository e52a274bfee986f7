"""Other work on the machine is seen, from the kernel's own count."""

import os
import sys
from pathlib import Path

import pytest

from benchmarks.child import Child
from benchmarks.quiet import busy_cores, busy_seconds

TICKS = os.sysconf("SC_CLK_TCK")


def test_idle_iowait_and_guest_time_are_not_work() -> None:
    #         user nice system  idle iowait irq softirq steal guest guest_nice
    stat = f"cpu  {TICKS} 0 {2 * TICKS} 900 800 0 0 {TICKS} 700 600\ncpu0 1 1 1 1 1 1 1 1 1 1\n"
    assert busy_seconds(stat) == pytest.approx(4)


def test_a_busy_child_is_seen(folder: Path) -> None:
    code = "print('{}', flush=True)\nwhile True: pass"
    with Child("busy", [sys.executable, "-c", code], folder / "log") as child:
        child.ready()
        assert busy_cores(0.5) > 0.2
