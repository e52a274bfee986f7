"""``psictl setup --no-podman``: register the mappings as Podman would, without a Podman."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from psi.shared.messages.broker import Discovered
from psi.shared.projection import Coordinate
from psictl.catalogue import Discovery, list_mappings
from psictl.client import BrokerClient
from psictl.http_socket import HttpSocket
from psictl.quadlet.secret_line import secret_name
from psictl.setup.registration import coordinate_of, mapping_payload
from psictl.setup.report import Outcome, SecretResult, WorkloadReport
from psictl.setup.workloads import chosen_workloads, for_each_workload


@dataclass(frozen=True)
class _Step:
    """Posts one workload's mappings; an equal mapping's id is used again."""

    http: HttpSocket
    ids: dict[Coordinate, str]

    def __call__(
        self, report: WorkloadReport, _found: Discovery, discovered: list[Discovered]
    ) -> None:
        for secret in discovered:
            name = secret_name(report.workload, secret.key)
            report.results.append(self._post(name, coordinate_of(secret)))

    def _post(self, name: str, wanted: Coordinate) -> SecretResult:
        known = self.ids.get(wanted)
        secret_id = known or secrets.token_hex(13)[:25]
        answer = self.http.store(secret_id, mapping_payload(wanted))
        if answer.status != 200:
            return SecretResult(name, Outcome.FAILED, f"not registered: {answer.reason}")
        self.ids[wanted] = secret_id
        return SecretResult(name, Outcome.KEPT if known else Outcome.CREATED, id=secret_id)


def post_all(
    client: BrokerClient, http: HttpSocket, named: Sequence[str], show: Callable[[str], None]
) -> list[WorkloadReport]:
    """Register the mappings of the workloads over psi.sock; raises Unreachable, InvalidName."""
    workloads = chosen_workloads(client, named)
    # Several ids may have one mapping, as Podman makes them: the smallest is as good as any.
    known = sorted(list_mappings(client).items(), reverse=True)
    ids = {coordinate: secret_id for secret_id, coordinate in known}
    return for_each_workload(client, workloads, _Step(http, ids), show)


def entries(reports: Sequence[WorkloadReport]) -> list[dict[str, str]]:
    """Return what the command prints: what can be looked up now, and by which id."""
    return [
        {"workload": report.workload, "name": result.name, "id": result.id}
        for report in reports
        for result in report.results
        if result.outcome in {Outcome.KEPT, Outcome.CREATED}
    ]
