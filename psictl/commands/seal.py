"""``psictl seal``: keep a secret that cannot come from Infisical."""

from typing import Annotated

import typer

from psi.shared.messages.broker_cache import (
    SealSecret,
)
from psictl.cli import layout_of
from psictl.client import BrokerClient
from psictl.http_socket import HttpSocket
from psictl.output import write_json, write_json_value, write_line
from psictl.podman.choose import choose_podman
from psictl.sealing import parse_sealed_name, read_value, seal, seal_and_post
from psictl.setup.report import SecretResult


def command(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    *,
    strip_newline: Annotated[
        bool, typer.Option("--strip-newline", help="Cut off one newline at the end of stdin.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the value of a name that is sealed already.")
    ] = False,
    no_podman: Annotated[
        bool,
        typer.Option("--no-podman", help="Register over psi.sock; print name and id as JSON."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Keep a secret that cannot come from Infisical, and register it with Podman as NAME.

    The value is exactly the bytes of stdin, a newline at the end included; at a terminal it is
    asked for without echo. It is served with Infisical down.

    Example: openssl rand -hex 32 | psictl seal --strip-newline ENCRYPTION_KEY
    """
    layout = layout_of(context)
    parse_sealed_name(name)
    # Before the value is asked for: a person types it once.
    podman = None if no_podman else choose_podman()
    value = read_value(strip_newline=strip_newline)
    request = SealSecret(name=name, value=value, replace=force)
    with BrokerClient(layout) as client:
        if podman is not None:
            _tell(seal(client, podman, layout, request), as_json=as_json)
            return
        with HttpSocket(layout) as http:
            result = seal_and_post(client, http, request)
    write_json_value([{"workload": "", "name": result.name, "id": result.id}])


def _tell(result: SecretResult, *, as_json: bool) -> None:
    if as_json:
        write_json(result.fields())
    else:
        write_line(f"{result.name}: sealed, {result.outcome} in Podman as {result.id}")
