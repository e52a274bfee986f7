"""The process keeps its memory to itself."""

import subprocess
import sys

_PROGRAM = """
import ctypes, resource
from psi.sealer.memory import forbid_dumps
from psi.shared.log import Log
from psi.shared.processes import Process
libc = ctypes.CDLL(None)
before = libc.prctl(3, 0, 0, 0, 0)
forbid_dumps(Log(Process.SEALER))
print(before, libc.prctl(3, 0, 0, 0, 0), *resource.getrlimit(resource.RLIMIT_CORE))
"""


def test_it_is_dumpable_before_and_not_after() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["1", "0", "0", "0"]
    assert run.stderr == ""
