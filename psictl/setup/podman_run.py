"""One run of ``psictl setup`` against Podman.

The run never waits for the broker while Podman works: Podman holds its lock while it calls
the driver's store, which is answered by that same broker (r27).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from psi.shared.errors import PsiError
from psi.shared.messages.broker import Discovered
from psictl.catalogue import Discovery, list_mappings
from psictl.client import BrokerClient
from psictl.driver import driver_commands
from psictl.layout import Layout
from psictl.podman.curl_probe import probe_curl
from psictl.podman.interface import Podman
from psictl.podman.version import Version
from psictl.quadlet.dryrun import find_generator
from psictl.quadlet.secret_line import secret_name
from psictl.quadlet.support import check_workload
from psictl.setup.dropins import DropinWriter
from psictl.setup.registration import Registrar
from psictl.setup.reload import reload_systemd
from psictl.setup.report import Outcome, WorkloadReport, worst_exit
from psictl.setup.workloads import chosen_workloads, for_each_workload


@dataclass
class SetupReport:
    """All workloads of one run, and what was done about systemd."""

    podman: Version
    workloads: list[WorkloadReport] = field(default_factory=list)
    systemd: str = "systemd was not reloaded: no drop-in changed"
    reload_error: str = ""

    @property
    def exit_code(self) -> int:
        """The worst of all workloads, and 1 where systemd could not be reloaded."""
        codes = [report.exit_code for report in self.workloads]
        return worst_exit([*codes, 1 if self.reload_error else 0])


@dataclass(frozen=True)
class _Step:
    """Registers one workload's secrets and writes its drop-ins."""

    registrar: Registrar
    dropins: DropinWriter
    show: Callable[[str], None]

    def __call__(self, report: WorkloadReport, found: Discovery, secrets: list[Discovered]) -> None:
        workload = report.workload
        check_workload(self.dropins.version, workload)
        for number, secret in enumerate(secrets, start=1):
            self.show(f"{workload}: secret {number} of {len(secrets)}")
            report.results.append(self.registrar.register(workload, secret))
        wanted = {secret_name(workload, secret.key) for secret in secrets}
        report.results += self.registrar.drifted(workload, wanted)
        foreign = {item.name for item in report.results if item.outcome is Outcome.FOREIGN}
        # One that failed stays named: its container then refuses to start, and says why,
        # where without the line it would start without the variable.
        named = [s for s in secrets if secret_name(workload, s.key) not in foreign]
        changed, notes = self.dropins.write(workload, found, named)
        report.dropins += changed
        report.notes += notes


def set_up(
    client: BrokerClient,
    podman: Podman,
    layout: Layout,
    named: Sequence[str],
    show: Callable[[str], None],
    seconds: float = math.inf,
) -> SetupReport:
    """Bring Podman, the drop-ins and systemd in line with the workloads' sources.

    ``named`` limits the run to some workloads; none is begun after ``seconds``. Raises what
    stops the run before it began: Unreachable, Temporary, InvalidName, PodmanError.
    """
    workloads = chosen_workloads(client, named)
    mappings = list_mappings(client)
    report = SetupReport(podman.version())
    socket_path = str(layout.http_socket)
    registrar = Registrar(
        podman=podman,
        present={secret.name: secret for secret in podman.secrets()},
        mappings=mappings,
        socket_path=socket_path,
        commands=cache(lambda: _commands(socket_path)),
    )
    dropins = DropinWriter(layout.root, report.podman, find_generator())
    step = _Step(registrar, dropins, show)
    report.workloads = for_each_workload(client, workloads, step, show, seconds)
    if any(each.dropins for each in report.workloads):
        _reload(report, layout)
    return report


def _commands(socket_path: str) -> Mapping[str, str]:
    return driver_commands(socket_path, with_reason=probe_curl().with_reason)


def _reload(report: SetupReport, layout: Layout) -> None:
    try:
        report.systemd = reload_systemd(layout)
    except PsiError as error:
        report.systemd = report.reload_error = str(error)
