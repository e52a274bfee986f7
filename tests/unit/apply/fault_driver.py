"""Ends or fails ``apply`` at its Nth step for every N, and says what is in force each time.

A step is an event that CPython's audit hooks report: open, mkdir, rename, symlink, link, remove,
rmdir, scandir and flock; for a kill also the beginning and end of each call of systemctl. A hook
cannot be removed, so each run is a child of its own; fork is safe here, since nothing else runs in
this process. Prints one JSON array of outcomes.
"""

import errno
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from psi.shared.errors import PsiError
from psictl.apply import apply
from psictl.layout import Layout
from tests.fakes.systemd.manager import FakeSystemd
from tests.unit.apply.in_force import in_force

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
        self.left, self.fault, self.paused = steps, fault, False

    def hook(self, event: str, _arguments: object) -> None:
        if event in STEPS and not self.paused:
            self.step()

    def step(self) -> None:
        self.left -= 1
        if self.left == -1:
            self.fault()

    def prepare(self) -> None:
        sys.addaudithook(self.hook)

    def happened(self) -> bool:
        return self.left < 0


class _Watched:
    """A manager whose own files meet no fault; where ``apply`` can be killed, it can be here."""

    def __init__(self, systemd: FakeSystemd, breaker: "_Breaker | _ShortFiles") -> None:
        self._systemd, self._breaker = systemd, breaker

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            if not isinstance(self._breaker, _Breaker):
                return getattr(self._systemd, name)(*arguments)
            if self._breaker.fault is _kill:
                self._breaker.step()
            self._breaker.paused = True
            answer = getattr(self._systemd, name)(*arguments)
            self._breaker.paused = False
            if self._breaker.fault is _kill:
                self._breaker.step()
            return answer

        return call


class _ShortFiles:
    """A file system on which no file can be written to its end."""

    def prepare(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    def happened(self) -> bool:
        return True


class Stage:
    """A root, on which services run where it stands for a host."""

    def __init__(self, root: Path, *, host: bool) -> None:
        self.layout = Layout(root)
        self.systemd = FakeSystemd(root) if host else None

    def begin(self, old: Path) -> None:
        """Have the old configuration in force, and on a host also running."""
        apply(old, self.layout, manager=self.systemd)
        if self.systemd is not None:
            self.systemd.boot()

    def attempt(self, trouble: _Breaker | _ShortFiles, config: Path) -> int:
        """Apply in a child; return 0, FAILED for a proper error, DEFECT, UNTOUCHED or a signal."""
        pid = os.fork()
        if pid == 0:
            code = DEFECT
            try:
                manager = _Watched(self.systemd, trouble) if self.systemd else None
                trouble.prepare()
                failed = apply(config, self.layout, manager=manager).failed
                code = (FAILED if failed else 0) if trouble.happened() else UNTOUCHED
            except PsiError:
                code = FAILED
            finally:
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def outcome(self, trouble: _Breaker | _ShortFiles, old: Path, new: Path) -> Outcome:
        (self.layout.config_dir / "host-secret").unlink(missing_ok=True)
        self.begin(old)
        code = self.attempt(trouble, new)
        after = in_force(self.layout, self.systemd)
        apply(new, self.layout, manager=self.systemd)
        return code, after, in_force(self.layout, self.systemd, running=True)

    def every_step(self, fault: str, old: Path, new: Path) -> list[Outcome]:
        """Return the outcome of a fault at each step, and last that of one that came too late."""
        outcomes: list[Outcome] = []
        while not outcomes or outcomes[-1][0] != UNTOUCHED:
            breaker = _Breaker(len(outcomes), FAULTS[fault])
            outcomes.append(self.outcome(breaker, old, new))
        return outcomes


def main() -> None:
    """Run as ``fault_driver.py host|dev FAULT ROOT OLD NEW``."""
    place, fault, root, old, new = sys.argv[1:]
    stage, ends = Stage(Path(root), host=place == "host"), (Path(old), Path(new))
    short = fault == "short"
    outcomes = [stage.outcome(_ShortFiles(), *ends)] if short else stage.every_step(fault, *ends)
    sys.stdout.write(json.dumps(outcomes))


if __name__ == "__main__":
    main()
