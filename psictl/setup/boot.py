"""``psictl setup --boot``: leave alone what is complete, and try the rest the normal way.

Containers are ordered after this run, so none may wait for the network because of it (r20).
"""

from collections.abc import Callable, Sequence
from typing import Final

from psi.shared.errors import Temporary
from psictl.catalogue import describe
from psictl.client import BrokerClient
from psictl.layout import Layout
from psictl.podman.interface import Podman
from psictl.setup.boot_check import Standing, take_inventory
from psictl.setup.podman_run import SetupReport, set_up
from psictl.setup.report import WorkloadReport
from psictl.setup.workloads import chosen_workloads

TRY_SECONDS: Final = 45.0
"""After it no further workload is asked about: one whose Infisical does not answer takes up to
28 s (miss_seconds), and every container of the host waits meanwhile."""


def set_up_at_boot(
    client: BrokerClient,
    podman: Podman,
    layout: Layout,
    named: Sequence[str],
    show: Callable[[str], None],
) -> SetupReport:
    """Bring up what is not registered and kept yet; the rest is left as it is.

    A workload that could start with what it has is no failure while Infisical is away. Raises
    as :func:`psictl.setup.podman_run.set_up`.
    """
    workloads = chosen_workloads(client, named)
    described = [(workload, describe(client, workload)) for workload in workloads]
    inventory = take_inventory(client, podman, layout)
    standings = [inventory.standing(workload, each) for workload, each in described]
    report = SetupReport(inventory.version)
    report.workloads = [_left_alone(each) for each in standings if not each.lacking]
    # First those that nothing can start without this run.
    rest = sorted((s for s in standings if s.lacking), key=lambda s: bool(s.registered))
    if not rest:
        return report
    tried = set_up(client, podman, layout, [s.workload for s in rest], show, TRY_SECONDS)
    # set_up ends early where a service is gone: the last ones may have no report.
    for standing, each in zip(rest, tried.workloads, strict=False):
        _judge(each, standing)
    tried.workloads = [*report.workloads, *tried.workloads]
    return tried


def _left_alone(standing: Standing) -> WorkloadReport:
    return WorkloadReport(standing.workload, standing.unit, results=list(standing.registered))


def _judge(report: WorkloadReport, standing: Standing) -> None:
    """Say why this workload was not left alone; forgive an outage that it can start in."""
    report.notes.append(f"Infisical was asked, for {standing.lacking}")
    if report.error_code == Temporary.exit_code and standing.registered:
        count = len(standing.registered)
        report.notes.append(f"{report.error}; left with what is registered, {count} secrets")
        report.error, report.error_code = "", 0
