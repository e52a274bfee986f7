"""``psictl dev``: the whole suite below one folder, for tests and trials."""

from pathlib import Path
from typing import Annotated

import typer

from psictl.cli import layout_of
from psictl.dev import run
from psictl.dev.services import check_installed


def command(
    context: typer.Context,
    config: Annotated[Path, typer.Option("--config", "-c", metavar="FILE")],
    root: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Everything lies below it; may be new.")
    ] = None,
    limits: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Overrides of times and counts.")
    ] = None,
    sealer: Annotated[
        str | None, typer.Option(metavar="software|swtpm|softhsm", help="The device to emulate.")
    ] = None,
) -> None:
    """Apply FILE below DIR and run the services there until SIGTERM or Ctrl-C.

    Prints one JSON line when lookups can be answered. With --sealer the device, and cache.backend
    with it, is an emulated one in DIR/dev-device, provisioned at its first start.

    Example: psictl dev --root /tmp/psi --config config.yaml
    """
    check_installed()
    folder = root.absolute() if root is not None else layout_of(context).root
    raise typer.Exit(run(folder, config, limits, sealer))
