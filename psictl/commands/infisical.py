"""``psictl infisical``: try the logins, and read secrets by hand."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from psi.shared.errors import PsiError
from psi.shared.names import parse_environment_name, parse_key
from psictl.catalogue import try_logins
from psictl.cli import layout_of
from psictl.client import BrokerClient
from psictl.logins import login_fields, write_logins
from psictl.output import say, write_json
from psictl.reading import Place, read_secrets
from psictl.secret_file import decode_base64, parse_mode, write_secret_file
from psictl.shell_output import ShellFormat, render_secrets

_HELP = """Log in, and read secrets by hand.

Example: psictl infisical login
"""

app = typer.Typer(help=_HELP, no_args_is_help=True, rich_markup_mode=None)

_Project = Annotated[str, typer.Option("--project", metavar="P", help="As the config names it.")]
_Environment = Annotated[
    str | None, typer.Option("--environment", metavar="E", help="By default the project's own.")
]


@app.command()
def login(
    context: typer.Context,
    *,
    retry: Annotated[
        bool, typer.Option("--retry", help="Also try a credential that was refused before.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Log in with every configured identity; exit 1 if one fails.

    Example: psictl infisical login --retry
    """
    with BrokerClient(layout_of(context)) as client:
        results = try_logins(client, retry=retry)
    if as_json:
        write_json({"results": [login_fields(result) for result in results]})
    else:
        write_logins(results)
    if not results:
        raise PsiError("no identity is configured: add providers.infisical.auth, psictl apply")
    if not all(result.ok for result in results):
        raise typer.Exit(1)


@app.command()
def env(
    context: typer.Context,
    project: _Project,
    path: Annotated[str, typer.Option("--path", metavar="FOLDER")] = "/",
    environment: _Environment = None,
    style: Annotated[ShellFormat, typer.Option("--format")] = ShellFormat.EXPORT,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="Only this variable; may be repeated."),
    ] = None,
) -> None:
    """Print a folder's secrets as variables: all of them, or nothing and an error.

    Variables that change what programs do, such as PATH or LD_PRELOAD, need --only.

    Example: eval "$(psictl infisical env --project myproject --path /myapp)"
    """
    place = Place.parse(project, path, environment)
    names = [parse_environment_name(name) for name in dict.fromkeys(only or [])]
    with BrokerClient(layout_of(context)) as client:
        secrets = read_secrets(client, place, names)
    if not secrets:
        say(f"{place} holds no secrets")
    sys.stdout.buffer.write(render_secrets(secrets, style, names).reveal())


@app.command("write-file")
def write_file(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    output: Annotated[Path, typer.Argument(metavar="OUTPUT")],
    project: _Project,
    path: Annotated[str, typer.Option("--path", "--secret-path", metavar="FOLDER")] = "/",
    environment: _Environment = None,
    mode: Annotated[str, typer.Option("--mode", help="In octal.")] = "0600",
    *,
    base64: Annotated[bool, typer.Option("--base64", help="The value is base64.")] = False,
) -> None:
    """Write one secret to a file, whole or not at all; a link there is refused.

    Example: psictl infisical write-file DB_CERT /etc/ssl/db.pem --project myproject
    """
    place, bits = Place.parse(project, path, environment), parse_mode(mode)
    with BrokerClient(layout_of(context)) as client:
        value = read_secrets(client, place, [parse_key(name)])[0].value
    write_secret_file(output, decode_base64(value) if base64 else value, bits)
