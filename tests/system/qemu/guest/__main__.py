"""The part of the tests that runs in the guest: ``python3 -m … first|second PORT``.

The first boot configures PSI and looks at everything; the second finds what the first left.
"""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.system.qemu.guest import boot_state, host
from tests.system.qemu.guest.commands import is_active, run, wait
from tests.system.qemu.guest.lookups import lookup
from tests.system.qemu.guest.probes import write_probes
from tests.system.qemu.guest.report import Report
from tests.system.qemu.guest.walls import Walls
from tests.system.qemu.guest.watchdog import Hang

JOURNAL_LINES: Final = "400"


def _first(report: Report) -> None:
    folder = Path("/run/psi-test")
    folder.mkdir()
    infisical = host.StandIn(folder)
    report.need("credential", host.keep_credential)
    report.need("apply", host.apply)
    report.need("start", host.start)
    report.need("provision", host.provision)
    infisical.wait_ready()
    report.need("fill", lambda: host.fill(infisical))
    infisical.stop()
    report.look("restart", host.restart)
    hang, walls = Hang(host.SECRET_ID), Walls()
    write_probes(walls.probes)
    report.look("walls", walls.look)
    report.look("watchdog", hang.look)
    report.look("exposures", host.exposures)
    report.say("pcr", value=boot_state.read_pcr())


def _second(report: Report) -> None:
    wait(lambda: is_active("psi.target"), "psi.target")
    wait(lambda: all(is_active(f"psi-{name}.service") for name in host.SERVICES), "all services")
    report.look(
        "reboot",
        lambda: (
            {
                "lookup": lookup(host.SECRET_ID),
                "failed": host.failed_units(),
                "pcr": boot_state.read_pcr(),
            }
            | host.cache_status("--verify")
        ),
    )
    report.look("boot-state", boot_state.extend)


STAGES: Final[dict[str, Callable[[Report], None]]] = {"first": _first, "second": _second}


def main(stage: str, port: str) -> None:
    """Run a stage; whatever happens, tell how it ended and what the journal has."""
    report = Report(Path(port))
    error = ""
    try:
        STAGES[stage](report)
    except Exception:  # noqa: BLE001  # the test outside shows it
        error = traceback.format_exc()
    argv = ["journalctl", "--boot", "--quiet", "--no-pager", "--output=short-monotonic"]
    report.say("journal", text=run([*argv, f"--lines={JOURNAL_LINES}"], check=False).stdout)
    report.say("end", **({"error": error} if error else {}))


main(sys.argv[1], sys.argv[2])
