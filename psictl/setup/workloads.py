"""Which workloads a run is about, and what each should have: the part that asks the broker."""

import math
import time
from collections.abc import Callable, Sequence

from psi.shared.errors import InvalidName, PsiError, Temporary, Unreachable
from psi.shared.messages.broker import Discovered, Finding
from psi.shared.names import parse_workload, printable
from psictl.catalogue import Discovery, discover, list_workloads
from psictl.client import BrokerClient
from psictl.podman.interface import is_possible_name
from psictl.quadlet.secret_line import secret_line, secret_name
from psictl.setup.dropins import use_of
from psictl.setup.report import WorkloadReport

_DETAIL_CHARACTERS = 200

Step = Callable[[WorkloadReport, Discovery, list[Discovered]], None]
"""What is done with one workload once it is known; it fills in the report."""


def chosen_workloads(client: BrokerClient, named: Sequence[str]) -> list[str]:
    """Return the workloads that were named, or all that are configured; raises InvalidName."""
    if not named:
        return list_workloads(client)
    return list(dict.fromkeys(parse_workload(name) for name in named))


def for_each_workload(
    client: BrokerClient,
    workloads: Sequence[str],
    step: Step,
    show: Callable[[str], None],
    seconds: float = math.inf,
) -> list[WorkloadReport]:
    """Discover each workload and do the step; a failure ends that workload only.

    Where a service or Podman cannot be reached the others would fail alike, so the run ends.
    After ``seconds`` the rest is left as it is, which is temporary.
    """
    until = time.monotonic() + seconds
    reports: list[WorkloadReport] = []
    for workload in workloads:
        report = WorkloadReport(workload)
        reports.append(report)
        show(f"{workload}: asking for its secrets")
        try:
            if time.monotonic() > until:
                raise Temporary(f"not asked about within {seconds:g} s; run psictl setup later")
            found = discover(client, workload)
            report.unit = found.unit
            report.findings += found.findings
            show(f"{workload}: {len(found.secrets)} secrets")
            step(report, found, _fit(report, found.secrets))
        except PsiError as error:
            report.error, report.error_code = str(error), error.exit_code
            if isinstance(error, Unreachable):
                break
    return reports


def _fit(report: WorkloadReport, secrets: Sequence[Discovered]) -> list[Discovered]:
    """Return the secrets that may be named in a unit file; the others become findings (r1)."""
    fit: list[Discovered] = []
    for secret in secrets:
        try:
            _check(report.workload, secret)
        except PsiError as error:
            detail = printable(f"not registered: {error}", _DETAIL_CHARACTERS)
            subject = printable(secret.key)
            report.findings.append(Finding(kind="refused", subject=subject, detail=detail))
        else:
            fit.append(secret)
    return fit


def _check(workload: str, secret: Discovered) -> None:
    secret_line(workload, use_of(secret))
    name = secret_name(workload, secret.key)
    if not is_possible_name(name):
        raise InvalidName(f"{printable(name)} cannot be the name of a Podman secret")
