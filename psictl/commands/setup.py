"""``psictl setup``: Podman secrets and drop-ins for the configured workloads."""

from typing import Annotated

import typer

from psi.shared.errors import ConfigError
from psictl.cli import layout_of
from psictl.client import BrokerClient
from psictl.generation import tell_difference
from psictl.http_socket import HttpSocket
from psictl.layout import Layout
from psictl.output import say, write_json, write_json_value, write_line
from psictl.podman.choose import choose_podman
from psictl.progress import show_progress
from psictl.setup.boot import set_up_at_boot
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
    boot: Annotated[
        bool,
        typer.Option("--boot", help="Leave alone what is registered and kept already."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Register the workloads' secrets with Podman and write their drop-ins.

    What is right already is kept; secrets that are not PSI's are never touched. With --boot
    Infisical is asked about nothing that is registered and kept, and its being away is no
    failure of a workload that can start with what it has.

    Example: psictl setup myapp
    """
    layout, named = layout_of(context), workloads or []
    if boot and no_podman:
        raise ConfigError("--boot and --no-podman exclude each other: choose one")
    with BrokerClient(layout) as client:
        tell_difference(client, layout)
        code = (
            _posted(client, layout, named)
            if no_podman
            else _set_up(client, layout, named, boot=boot, as_json=as_json)
        )
    raise typer.Exit(code)


def _posted(client: BrokerClient, layout: Layout, named: list[str]) -> int:
    with HttpSocket(layout) as http, show_progress() as show:
        reports = post_all(client, http, named, show)
    _tell(reports)
    write_json_value(entries(reports))
    return worst_exit(report.exit_code for report in reports)


def _set_up(
    client: BrokerClient, layout: Layout, named: list[str], *, boot: bool, as_json: bool
) -> int:
    podman = choose_podman()
    run = set_up_at_boot if boot else set_up
    with show_progress() as show:
        report = run(client, podman, layout, named, show)
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
