"""A Debian host with systemd as PID 1 and real Podman, for as long as a test module needs it."""

import json
import shlex
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Self

from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import Seed
from tests.fakes.infisical.tls import TlsFiles
from tests.system.boot import Boot
from tests.system.root_files import MACHINE_ID
from tests.system.slot import Slot
from tests.system.suite import Suite

RUN_SECONDS: Final = 120.0
"""For one command; those of PSI end within 35 seconds whatever happens behind them."""
WAIT_SECONDS: Final = 60.0
"""For a condition on a busy two-core machine; only a failure takes so long."""
JOURNAL_LINES: Final = 80
_POLL_SECONDS: Final = 0.05
_ENVIRONMENT: Final = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "LANG=C.UTF-8",
)
# In a group of the guest's own, where Podman can make others, if the kernel lets us.
_ENTER: Final = """\
mkdir -p /sys/fs/cgroup/test.scope
echo 0 2>/dev/null >/sys/fs/cgroup/test.scope/cgroup.procs || :
user=$1
shift
if [ "$user" = root ]; then
    cd /root
    exec "$@"
fi
cd /
exec setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups -- "$@"
"""
Completed = subprocess.CompletedProcess[str]


class Host:
    """A booted host. ``running`` lists the live ones, for the report of a failed test."""

    running: Final[list["Host"]] = []

    def __init__(self, suite: Suite, layers: Sequence[Path], options: Sequence[str] = ()) -> None:
        """Prepare a host on read-only layers, topmost first; ``options`` go to systemd-nspawn."""
        self.suite = suite
        self.layers = tuple(layers)
        self._options = tuple(options)
        self._slot = Slot.take()
        self._slot.prepare()
        self._boot: Boot | None = None
        self.address = self._slot.machine_address
        """Where the host reaches the test's own servers."""
        self.other_address = self._slot.other_address
        """A second one: for servers that something on the host may not reach."""
        self.own_address = self._slot.host_address
        self.write_offline("/etc/default/test-network", f"ADDRESS={self.own_address}/24\n")

    # Its life.

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, *, wait: bool = True) -> Self:
        """Boot it; with ``wait`` until systemd has started all it starts at boot."""
        self._boot = Boot(self._slot, self.layers, self._options, wait=wait)
        Host.running.append(self)
        # What follows is done as root: not before it is certain that it is done there.
        assert self.read("/etc/machine-id").decode() == f"{MACHINE_ID}\n"
        return self

    def stop(self) -> None:
        """Power off in order; all that was written stays for the next ``start``."""
        self._end(lambda boot: boot.power_off())

    def kill(self) -> None:
        """Take the power away; what the kernel had not yet written is kept all the same."""
        self._end(lambda boot: boot.kill())

    def reboot(self, *, wait: bool = True) -> None:
        """Reboot as ``systemctl reboot`` does."""
        self.run(["systemctl", "reboot"])
        self._end(lambda boot: boot.wait_end())
        self.start(wait=wait)

    def close(self) -> None:
        """Remove the host with all that it wrote."""
        if self._boot is not None:
            self.kill()
        self._slot.release()

    def _end(self, how: Callable[[Boot], None]) -> None:
        boot, self._boot = self._live, None
        Host.running.remove(self)
        how(boot)

    @property
    def _live(self) -> Boot:
        assert self._boot is not None, "the host is not running: start it first"
        return self._boot

    @property
    def written(self) -> Path:
        """The folder of this machine with all that differs from the layers (an overlay's upper)."""
        return self._slot.folder / "upper"

    @property
    def leader(self) -> int:
        """Its PID 1, as this machine counts."""
        return self._live.leader

    # Commands and files.

    def run(
        self,
        argv: Sequence[str],
        *,
        input: str | None = None,  # noqa: A002  # as subprocess.run has it
        check: bool = True,
        seconds: float = RUN_SECONDS,
        user: str = "root",
    ) -> Completed:
        """Run a command as root, or as ``user``, with a login's bare environment.

        Raises:
            AssertionError: with ``check``, when it exits with another code than 0; it has the
                output. Always, when it takes longer than ``seconds``.

        """
        try:
            done = subprocess.run(
                self.command(argv, user=user),
                input=input,
                stdin=subprocess.DEVNULL if input is None else None,
                capture_output=True,
                text=True,
                errors="surrogateescape",
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{shlex.join(argv)}: not done after {seconds:g} s") from error
        if check and done.returncode != 0:
            told = f"stdout: {done.stdout[-2000:]}\nstderr: {done.stderr[-2000:]}"
            raise AssertionError(f"{shlex.join(argv)}: exit code {done.returncode}\n{told}")
        return done

    def run_bytes(self, argv: Sequence[str], content: bytes = b"") -> bytes:
        """Run a command that must succeed, with ``content`` as its stdin; return its stdout."""
        return subprocess.run(
            self.command(argv),
            input=content,
            stdout=subprocess.PIPE,
            timeout=RUN_SECONDS,
            check=True,
        ).stdout

    def command(self, argv: Sequence[str], *, user: str = "root") -> list[str]:
        """Return what this machine runs for ``run``: for a test that starts it by itself."""
        # The root by name: the namespace's own may lie above it, where the tests run in a chroot.
        enter = ["nsenter", "--target", str(self.leader), "--all", "--root", "--wd", "--"]
        return [*enter, "env", "-i", *_ENVIRONMENT, "/bin/sh", "-euc", _ENTER, "sh", user, *argv]

    def shell(self, script: str, *, check: bool = True, seconds: float = RUN_SECONDS) -> Completed:
        """Run a shell script as root."""
        return self.run(["/bin/sh", "-euc", script], check=check, seconds=seconds)

    def psictl(
        self,
        *arguments: str,
        check: bool = True,
        input: str | None = None,  # noqa: A002
    ) -> Completed:
        """Run the installed psictl as root."""
        return self.run(["/usr/local/bin/psictl", *arguments], check=check, input=input)

    def write(self, path: str, data: str | bytes, mode: int = 0o644) -> None:
        """Write a file whole, with its folders; it is replaced by a rename."""
        content = data.encode() if isinstance(data, str) else data
        script = (
            'mkdir -p "${1%/*}"; t=$(mktemp "$1.XXXXXX"); cat >"$t"; chmod "$2" "$t"; mv "$t" "$1"'
        )
        self.run_bytes(["/bin/sh", "-euc", script, "sh", path, f"{mode:o}"], content)

    def write_offline(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file while the host is not running."""
        assert self._boot is None, "the host is running: use write"
        target = self.written / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def read(self, path: str) -> bytes:
        """Return a file's content."""
        return self.run_bytes(["cat", "--", path])

    # systemd.

    def systemctl(self, *arguments: str, check: bool = True) -> Completed:
        """Run systemctl."""
        return self.run(["systemctl", *arguments], check=check)

    def property(self, unit: str, name: str) -> str:
        """Return one property of a unit, as ``systemctl show`` prints it."""
        return self.systemctl("show", "--value", f"--property={name}", unit).stdout.strip()

    def failed_units(self) -> list[str]:
        """Return the units in a failed state."""
        listed = self.systemctl("list-units", "--failed", "--output=json").stdout
        return [str(unit["unit"]) for unit in json.loads(listed)]

    def journal(self, unit: str | None = None, *, lines: int | None = None) -> str:
        """Return the journal of this boot, of one unit or all."""
        argv = ["journalctl", "--boot", "--no-pager", "--quiet", "--output=short-precise"]
        argv += [] if unit is None else [f"--unit={unit}"]
        argv += [] if lines is None else [f"--lines={lines}"]
        return self.run(argv).stdout

    # Waiting.

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = WAIT_SECONDS) -> None:
        """Return as soon as the condition holds.

        Raises:
            AssertionError: naming ``what`` did not come, with the end of the journal.

        """
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                tail = self.journal(lines=JOURNAL_LINES)
                raise AssertionError(f"waited {seconds:g} s for {what}; the journal:\n{tail}")
            time.sleep(_POLL_SECONDS)

    def wait_active(self, unit: str, seconds: float = WAIT_SECONDS) -> None:
        """Wait until a unit is active."""
        self.wait(lambda: self.property(unit, "ActiveState") == "active", f"{unit} active", seconds)

    # What tests bring along.

    def stand_in(self, seed: Seed, tls: TlsFiles | None = None) -> StandIn:
        """Return an Infisical of this host's own, not started yet (use it with ``with``)."""
        return StandIn(seed, tls, host=self.address)
