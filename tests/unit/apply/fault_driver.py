"""Ends or fails ``apply`` at its Nth step for every N, and says what is in force each time.

A step is an event that CPython's audit hooks report: open, mkdir, rename, symlink, link, remove,
rmdir, scandir and flock. A hook cannot be removed, so each run is a child of its own; fork is safe
here, since nothing else runs in this process. Prints one JSON array of outcomes.
"""

import errno
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from psi.shared.errors import PsiError
from psictl.apply import apply, generation
from psictl.apply.folder import open_private
from psictl.apply.host_secret import BYTES, NAME
from psictl.layout import Layout

STEPS = {
    "open", "os.mkdir", "os.rename", "os.symlink", "os.link", "os.remove", "os.rmdir",
    "os.scandir", "fcntl.flock",
}  # fmt: skip
FAILED, DEFECT, UNTOUCHED = 7, 9, 3
Outcome = tuple[int, str, str]
"""Exit code, what was in force, and what was after a second try without a fault."""


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _no_space() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _read_only() -> None:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def _denied() -> None:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


FAULTS: dict[str, Callable[[], None]] = {
    "kill": _kill,
    "space": _no_space,
    "read-only": _read_only,
    "denied": _denied,
}


class _Breaker:
    """Lets some steps pass, then has its fault happen once."""

    def __init__(self, steps: int, fault: Callable[[], None]) -> None:
        self.left, self.fault = steps, fault

    def hook(self, event: str, _arguments: object) -> None:
        if event in STEPS:
            self.left -= 1
            if self.left == -1:
                self.fault()

    def prepare(self) -> None:
        sys.addaudithook(self.hook)

    def happened(self) -> bool:
        return self.left < 0


class _ShortFiles:
    """A file system on which no file can be written to its end."""

    def prepare(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    def happened(self) -> bool:
        return True


def _attempt(trouble: _Breaker | _ShortFiles, config: Path, layout: Layout) -> int:
    """Apply in a child; returns 0, FAILED for a proper error, DEFECT, UNTOUCHED, or a signal."""
    pid = os.fork()
    if pid == 0:
        code = DEFECT
        try:
            trouble.prepare()
            apply(config, layout)
            code = 0 if trouble.happened() else UNTOUCHED
        except PsiError:
            code = FAILED
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def in_force(layout: Layout) -> str:
    """Return the first workload of the generation in force, which must be whole.

    One that needs a sealer must find the host secret there.
    """
    with open_private(layout.config_dir) as folder:
        current = generation.read_current(folder)
    if current is None:
        return "nothing"
    manifest, files = current
    projection = json.loads(files["broker.json"])
    extra = set(files) - {"broker.json"}
    if projection["generation"] > manifest.number or extra - {"sealer.json"}:
        return "mixed"
    if extra and len((layout.config_dir / NAME).read_bytes()) != BYTES:
        return "without its secret"
    return str(next(iter(projection["workloads"])))


def _outcome(trouble: _Breaker | _ShortFiles, old: Path, new: Path, layout: Layout) -> Outcome:
    (layout.config_dir / NAME).unlink(missing_ok=True)
    apply(old, layout)
    code = _attempt(trouble, new, layout)
    after = in_force(layout)
    apply(new, layout)
    return code, after, in_force(layout)


def every_step(fault: str, old: Path, new: Path, layout: Layout) -> list[Outcome]:
    """Return the outcome of a fault at each step, and last that of one that came too late."""
    outcomes: list[Outcome] = []
    while not outcomes or outcomes[-1][0] != UNTOUCHED:
        breaker = _Breaker(len(outcomes), FAULTS[fault])
        outcomes.append(_outcome(breaker, old, new, layout))
    return outcomes


def main() -> None:
    """Run as ``fault_driver.py FAULT ROOT OLD NEW``."""
    fault, root, old, new = sys.argv[1:]
    ends = Path(old), Path(new), Layout(Path(root))
    outcomes = [_outcome(_ShortFiles(), *ends)] if fault == "short" else every_step(fault, *ends)
    sys.stdout.write(json.dumps(outcomes))


if __name__ == "__main__":
    main()
