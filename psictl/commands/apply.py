"""``psictl apply``: the configuration file comes into force."""

from pathlib import Path
from typing import Annotated

import typer

from psictl.apply import apply
from psictl.cli import layout_of


def command(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="By default /etc/psi/config.yaml."),
    ] = None,
) -> None:
    """Check the configuration file, write a new generation and restart what changed.

    A file with an error changes nothing; all errors are shown, each with its line.

    Example: psictl apply --config /etc/psi/config.yaml
    """
    layout = layout_of(context)
    apply(layout, config or layout.config)
