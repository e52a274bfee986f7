"""``psictl setup --no-podman``: register the mappings as Podman would, without a Podman."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

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
    ids: Mapping[Coordinate, list[str]]
    used: set[str] = field(default_factory=set)

    def __call__(
        self, report: WorkloadReport, _found: Discovery, discovered: list[Discovered]
    ) -> None:
        for secret in discovered:
            name = secret_name(report.workload, secret.key)
            report.results.append(self._post(name, coordinate_of(secret)))

    def _post(self, name: str, wanted: Coordinate) -> SecretResult:
        # Two workloads may share a coordinate; each keeps an id of its own, as in Podman.
        known = next((each for each in self.ids.get(wanted, ()) if each not in self.used), None)
        secret_id = known or secrets.token_hex(13)[:25]
        self.used.add(secret_id)
        answer = self.http.store(secret_id, mapping_payload(wanted))
        if answer.status != 200:
            return SecretResult(name, Outcome.FAILED, f"not registered: {answer.reason}")
        return SecretResult(name, Outcome.KEPT if known else Outcome.CREATED, id=secret_id)


def post_all(
    client: BrokerClient, http: HttpSocket, named: Sequence[str], show: Callable[[str], None]
) -> list[WorkloadReport]:
    """Register the mappings of the workloads over psi.sock; raises Unreachable, InvalidName."""
    workloads = chosen_workloads(client, named)
    ids: dict[Coordinate, list[str]] = {}
    for secret_id, coordinate in list_mappings(client).items():
        ids.setdefault(coordinate, []).append(secret_id)
    return for_each_workload(client, workloads, _Step(http, ids), show)


def entries(reports: Sequence[WorkloadReport]) -> list[dict[str, str]]:
    """Return what the command prints: what can be looked up now, and by which id."""
    return [
        {"workload": report.workload, "name": result.name, "id": result.id}
        for report in reports
        for result in report.results
        if result.outcome in {Outcome.KEPT, Outcome.CREATED}
    ]
