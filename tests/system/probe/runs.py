"""Runs the probe on a host: inside the sandboxes of shipped units, and as users outside of them."""

import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.system.host import Host
from tests.system.probe.outcome import Attempt, Outcomes, Plans, without_repeats

PROGRAM: Final = Path(__file__).resolve().with_name("program")
FOLDER: Final = "/usr/lib/psi-probe"
"""Below /usr/lib, which every sandbox sees and may run programs from."""
OUTPUT: Final = "/run/psi-probe"
DROP_IN: Final = "95-probe.conf"
# A probe that was run stays active: its socket's next caller, who waits, then starts no other.
_DROP_IN: Final = """\
[Service]
Type=oneshot
ExecStart=
ExecStart={python} -I {folder}/program {folder}/{unit}.json
RemainAfterExit=yes
Restart=no
WatchdogSec=0
StandardOutput=truncate:{output}/{unit}
"""


class ProbeRuns:
    """The probe on one host."""

    def __init__(self, host: Host) -> None:
        """Copy the probe to the host."""
        self.host = host
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as tar:
            for path in sorted(PROGRAM.glob("*.py")):
                tar.add(path, f"program/{path.name}")
        host.run(["mkdir", "-p", FOLDER, OUTPUT])
        argv = ["tar", "-x", "-C", FOLDER, "--no-same-owner"]
        host.run_bytes(argv, content.getvalue())

    @contextmanager
    def in_units(self, plans: Plans, more: Mapping[str, str] | None = None) -> Iterator[None]:
        """Put the probe in place of the units' programs for a while.

        ``more`` has further lines of the drop-in for a unit. Afterwards the real services that
        were active before run again.
        """
        units = list(plans)
        running = [unit for unit in units if self._is_running(unit)]
        for unit, attempts in plans.items():
            self._put_plan(unit, attempts)
            python = f"/usr/lib/psi/current/{_environment(unit)}/bin/python3"
            text = _DROP_IN.format(python=python, folder=FOLDER, unit=unit, output=OUTPUT)
            self.host.write(_drop_in(unit), text + (more or {}).get(unit, ""))
        self.host.systemctl("daemon-reload")
        try:
            yield
        finally:
            self.host.run(["rm", *(_drop_in(unit) for unit in units)])
            self.host.systemctl("daemon-reload")
            for verb, of in (("restart", running), ("stop", set(units) - set(running))):
                if of:
                    self.host.systemctl(verb, *of)

    def run(self, *units: str) -> dict[str, Outcomes]:
        """Run the probe in units that have it now, and return what came of it."""
        self.host.systemctl("restart", *units)
        texts = {unit: self.host.read(f"{OUTPUT}/{unit}").decode() for unit in units}
        return {unit: Outcomes(unit, text.splitlines()) for unit, text in texts.items()}

    def settings(self, unit: str) -> dict[str, str]:
        """Return all that systemd shows of a unit, by name."""
        lines = self.host.systemctl("show", "--all", unit).stdout.splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def outside(
        self, user: str, attempts: Iterable[Attempt], *, group: str | None = None
    ) -> Outcomes:
        """Run the probe as a user of the host, outside of every sandbox; in another group alone."""
        self._put_plan(f"user-{user}", attempts)
        argv = ["/usr/bin/python3", "-I", f"{FOLDER}/program", f"{FOLDER}/user-{user}.json"]
        if group is not None:
            become = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--"]
            done = self.host.run([*become, *argv])
        else:
            done = self.host.run(argv, user=user)
        return Outcomes(f"{user}, outside,", done.stdout.splitlines())

    def _put_plan(self, name: str, attempts: Iterable[Attempt]) -> None:
        plan = [list(attempt) for attempt in without_repeats(attempts)]
        self.host.write(f"{FOLDER}/{name}.json", json.dumps(plan))

    def _is_running(self, unit: str) -> bool:
        return self.host.property(unit, "SubState") == "running"


def _drop_in(unit: str) -> str:
    return f"/run/systemd/system/{unit}.d/{DROP_IN}"


def _environment(unit: str) -> str:
    """Return whose interpreter a unit runs: the oneshots are psictl's."""
    name = unit.removeprefix("psi-").removesuffix(".service")
    return "psictl" if name.startswith("infisical-") else name
