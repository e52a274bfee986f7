"""Work that is killed in front of one of its steps.

A step is what changes a file or starts a program, as the interpreter reports it (sys.audit). The
child is forked, and SIGKILL ends it.
"""

import os
import signal
import sys
from collections.abc import Callable

_CHANGES = frozenset({
    "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.chmod", "subprocess.Popen",
})  # fmt: skip
_WRITES = os.O_WRONLY | os.O_RDWR


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Do some work in a child that is killed in front of a step; return whether it came so far."""
    child = os.fork()
    if child == 0:
        _count_down(step)
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    return False


def _count_down(step: int) -> None:
    left = step

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in _CHANGES or (event == "open" and _is_write(arguments)):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def _is_write(arguments: tuple[object, ...]) -> bool:
    flags = arguments[2]
    return isinstance(flags, int) and bool(flags & _WRITES)
