"""A setup run against a Podman in memory, and what it left behind."""

from collections.abc import Mapping

from psictl.client import BrokerClient
from psictl.driver import driver_commands
from psictl.setup.podman_run import SetupReport, set_up
from psictl.setup.report import Outcome
from tests.fakes.broker.host import Host
from tests.fakes.broker.memory_podman import MemoryPodman

ID = "a" * 25
"""Of a secret that was there before."""


def run(host: Host, client: BrokerClient, podman: MemoryPodman, *named: str) -> SetupReport:
    return set_up(client, podman, host.layout, named, lambda _: None)


def commands(host: Host, *, with_reason: bool = True) -> Mapping[str, str]:
    return driver_commands(str(host.layout.http_socket), with_reason=with_reason)


def dropin(host: Host, unit: str, name: str = "50-secrets.conf") -> str:
    return (host.layout.quadlets / f"{unit}.container.d" / name).read_text()


def outcomes(report: SetupReport) -> dict[str, Outcome]:
    return {result.name: result.outcome for each in report.workloads for result in each.results}
