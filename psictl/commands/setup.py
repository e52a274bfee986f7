"""``psictl setup``: Podman secrets and drop-ins for the configured workloads."""

from typing import Annotated

import typer

from psictl.cli import layout_of
from psictl.client import BrokerClient
from psictl.generation import tell_difference
from psictl.http_socket import HttpSocket
from psictl.layout import Layout
from psictl.output import say, write_json, write_json_value, write_line
from psictl.podman.choose import choose_podman
from psictl.progress import show_progress
from psictl.setup.podman_run import SetupReport, set_up
from psictl.setup.posting import entries, post_all
from psictl.setup.report import WorkloadReport, worst_exit


def command(
    context: typer.Context,
    workloads: Annotated[
        list[str] | None, typer.Argument(metavar="[WORKLOAD]...", help="By default all.")
    ] = None,
    *,
    no_podman: Annotated[
        bool,
        typer.Option("--no-podman", help="Register over psi.sock; print names and ids as JSON."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Register the workloads' secrets with Podman and write their drop-ins.

    What is right already is kept; secrets that are not PSI's are never touched.

    Example: psictl setup myapp
    """
    layout, named = layout_of(context), workloads or []
    with BrokerClient(layout) as client:
        tell_difference(client, layout)
        code = (
            _posted(client, layout, named)
            if no_podman
            else _set_up(client, layout, named, as_json=as_json)
        )
    raise typer.Exit(code)


def _posted(client: BrokerClient, layout: Layout, named: list[str]) -> int:
    with HttpSocket(layout) as http, show_progress() as show:
        reports = post_all(client, http, named, show)
    _tell(reports)
    write_json_value(entries(reports))
    return worst_exit(report.exit_code for report in reports)


def _set_up(client: BrokerClient, layout: Layout, named: list[str], *, as_json: bool) -> int:
    podman = choose_podman()
    with show_progress() as show:
        report = set_up(client, podman, layout, named, show)
    _tell(report.workloads)
    if as_json:
        write_json(_fields(report))
        return report.exit_code
    for each in report.workloads:
        write_line(each.summary())
    say(report.systemd)
    return report.exit_code


def _tell(reports: list[WorkloadReport]) -> None:
    for report in reports:
        for message in report.messages():
            say(message)


def _fields(report: SetupReport) -> dict[str, object]:
    return {
        "podman": str(report.podman),
        "workloads": [each.fields() for each in report.workloads],
        "systemd": report.systemd,
        "exit": report.exit_code,
    }
