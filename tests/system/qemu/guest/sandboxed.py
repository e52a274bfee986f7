"""Runs in place of a service's program, in its sandbox: tries things and prints what came of each.

sandboxed.py TRIAL [+ TRIAL]…     one JSON line for each

open PATH…             the errno of each, or "opened"
tasks COUNT            start so many threads beside each other: how many it has then, and why
page-out BYTES         ask the kernel to swap that much out: how much it did
child-fills A B S      a child touches A bytes, says so, and goes on to B: how the child ended, and
                       whether this process was itself told to stop within S seconds
"""

import errno
import json
import mmap
import os
import re
import signal
import sys
import threading
from pathlib import Path
from typing import Any, Final, NoReturn

_MADV_PAGEOUT: Final = 21
"""linux/mman.h; Python names it from 3.13 on some platforms alone."""
_PAGE: Final = mmap.PAGESIZE


def _open(*paths: str) -> dict[str, str]:
    return {path: _opened(path) for path in paths}


def _opened(path: str) -> str:
    # As libtss2 does; a block device may be opened for reading alone.
    flags = os.O_RDWR if path.startswith("/dev/tpm") else os.O_RDONLY
    try:
        os.close(os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "opened"


def _touched(size: int) -> mmap.mmap:
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory[::_PAGE] = bytes([1]) * len(range(0, size, _PAGE))
    return memory


def _page_out(size: str) -> dict[str, int]:
    memory = _touched(int(size))
    memory.madvise(_MADV_PAGEOUT)
    status = Path("/proc/self/status").read_text()
    found = re.search(r"^VmSwap:\s*(\d+) kB$", status, re.MULTILINE)
    return {"swapped": int(found[1]) * 1024 if found else -1}


def _tasks(count: str) -> dict[str, Any]:
    end, refusal = threading.Event(), ""
    threads: list[threading.Thread] = []
    try:
        while len(threads) + 1 < int(count):
            thread = threading.Thread(target=end.wait)
            thread.start()
            threads.append(thread)
    except RuntimeError as error:
        refusal = str(error)
    end.set()
    for thread in threads:
        thread.join()
    return {"running": len(threads) + 1, "refusal": refusal}


def _child_fills(first: str, then: str, seconds: str) -> dict[str, Any]:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    child = os.fork()
    if child == 0:
        _fill(int(first), int(then))
    _, status = os.waitpid(child, 0)
    stopped = signal.sigtimedwait([signal.SIGTERM], float(seconds)) is not None
    return {"child": os.waitstatus_to_exitcode(status), "stopped": stopped}


def _fill(first: int, then: int) -> NoReturn:
    held = [_touched(first)]
    _say("fill", {"filled": first})
    held.append(_touched(then - first))
    _say("fill", {"filled": sum(map(len, held))})
    os._exit(0)


_TRIALS: Final = {
    "open": _open,
    "page-out": _page_out,
    "tasks": _tasks,
    "child-fills": _child_fills,
}


def _say(trial: str, facts: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"trial": trial, **facts}) + "\n")
    sys.stdout.flush()


def _main(words: list[str]) -> None:
    while words:
        end = words.index("+") if "+" in words else len(words)
        trial, *arguments = words[:end]
        words = words[end + 1 :]
        _say(trial, _TRIALS[trial](*arguments))


_main(sys.argv[1:])
