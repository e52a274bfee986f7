"""``psictl systemd``: what systemd has of PSI."""

from typing import Annotated

import typer

from psi.shared.errors import ConfigError, Unreachable
from psictl.cli import layout_of
from psictl.output import say, write_json
from psictl.systemd.show import is_booted
from psictl.systemd.status import read_systemd
from psictl.systemd.view import write_view

app = typer.Typer(no_args_is_help=True, help="The units that run PSI.")


@app.callback()
def _group() -> None:
    """Show how the units that run PSI are."""


@app.command()
def status(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show units, timers, exposure and drop-ins; exit 0 as it should be, 3 differs, 4 down.

    Units and drop-ins are held against what psictl install and psictl apply would make now.
    Each problem is told with its remedy. Root sees all; others, what systemd tells anyone.

    Example: psictl systemd status --json
    """
    layout = layout_of(context)
    if not layout.is_host:
        raise ConfigError(f"--root {layout.root} is not this host's own: no systemd runs it")
    if not is_booted():
        raise Unreachable("systemd does not run this host; boot it with systemd as PID 1")
    found = read_systemd(layout)
    if as_json:
        write_json(found.fields())
    else:
        write_view(found)
        for problem in found.problems:
            say(str(problem))
        for unread in found.unread:
            say(f"not read: {unread}")
    raise typer.Exit(found.exit_code)
