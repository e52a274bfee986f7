"""``psictl install``: Podman's driver commands."""

import sys
from typing import Annotated

import typer

from psictl.cli import layout_of
from psictl.install import install
from psictl.output import say


def command(
    context: typer.Context,
    *,
    stdout: Annotated[
        bool, typer.Option("--stdout", help="Print the file instead of writing it.")
    ] = False,
    default_driver: Annotated[
        bool,
        typer.Option("--default-driver", help="Make shell the driver of every new secret."),
    ] = False,
) -> None:
    """Tell Podman's shell driver how to reach PSI.

    Writes /etc/containers/containers.conf.d/psi.conf, after a trial of this host's curl.

    Example: psictl install --stdout
    """
    layout = layout_of(context)
    done = install(
        layout.root,
        stdout=stdout,
        default_driver=default_driver,
        socket_path=str(layout.http_socket),
    )
    if stdout:
        sys.stdout.write(done.text)
    for message in done.messages:
        say(message)
