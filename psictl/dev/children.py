"""One service as a child process: started as systemd would, watched, stopped."""

import asyncio
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence

_FIRST_DESCRIPTOR = 3
_LOOK_SECONDS = 0.01
"""Between looks for an emulator's socket, which is there within some 50 ms."""
# LISTEN_PID must be the child's own pid, which nobody knows before it runs (sd_listen_fds(3)).
_SHELL = ("/bin/sh", "-c", 'umask 077; cd /; export LISTEN_PID=$$; exec "$@"', "sh")


class Child:
    """A running process; made inside an event loop that calls :meth:`reap` on SIGCHLD."""

    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        listening: Mapping[str, socket.socket],
    ) -> None:
        self.ready = asyncio.Event()
        self.stopping = False
        self.code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.pid = _spawn(argv, environment, listening)

    @property
    def serves(self) -> bool:
        """Whether the process said READY and runs."""
        return self.ready.is_set() and not self.code.done()

    def reap(self) -> bool:
        """Take note of the process's end; whether it ended just now."""
        if self.code.done():
            return False
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.code.set_result(os.waitstatus_to_exitcode(status))
        return bool(pid)

    async def wait_ready(self, seconds: float) -> str:
        """Return nothing once the process is READY, else what became of it."""
        ready = asyncio.ensure_future(self.ready.wait())
        await asyncio.wait((ready, self.code), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self.code.done():
            return f"exited with code {self.code.result()}"
        return "" if self.ready.is_set() else f"is not READY after {seconds:g} s"

    async def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for a sign of life of a process that cannot say READY; whether it came."""
        end = time.monotonic() + seconds
        while not (here := condition()) and not self.code.done() and time.monotonic() < end:
            await asyncio.wait((self.code,), timeout=_LOOK_SECONDS)
        return here and not self.code.done()

    async def stop(self, seconds: float) -> None:
        """End the process: TERM, and KILL if it does not drain in time."""
        if self.code.done():
            return
        self.stopping = True
        os.kill(self.pid, signal.SIGTERM)
        await asyncio.wait((self.code,), timeout=seconds)
        if not self.code.done():
            os.kill(self.pid, signal.SIGKILL)
            await self.code


def _spawn(
    argv: Sequence[str], environment: Mapping[str, str], listening: Mapping[str, socket.socket]
) -> int:
    passed = {"LISTEN_FDS": str(len(listening)), "LISTEN_FDNAMES": ":".join(listening)}
    actions: list[tuple[int, int, int]] = [
        (os.POSIX_SPAWN_DUP2, made.fileno(), _FIRST_DESCRIPTOR + index)
        for index, made in enumerate(listening.values())
    ]
    # Only dev's own lines go to stdout.
    actions.append((os.POSIX_SPAWN_DUP2, 2, 1))
    return os.posix_spawn(
        _SHELL[0],
        (*_SHELL, *_ended_with_dev(), *argv),
        {**environment, **passed},
        file_actions=actions,
        # Ctrl-C reaches dev alone, which stops its children in order.
        setpgroup=0,
        # Python ignores these two, and exec would keep that.
        setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),
    )


def _ended_with_dev() -> tuple[str, ...]:
    """Return a prefix by which the kernel ends the child with dev, where the host has it."""
    found = shutil.which("setpriv")
    return (found, "--pdeathsig", "TERM", "--") if found else ()
