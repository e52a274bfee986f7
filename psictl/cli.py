"""The grammar: global options and the commands, of which only the one that is meant is loaded."""

from collections.abc import Sequence
from importlib import import_module, metadata
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer

from psictl.layout import Layout


class _Entry(NamedTuple):
    module: str
    help: str
    group: bool = False
    """Whether the module holds a group of commands (``app``) or one (``command``)."""


COMMANDS: Final = {
    "apply": _Entry("psictl.commands.apply", "Put the configuration file into force."),
    "setup": _Entry("psictl.commands.setup", "Register the workloads' secrets with Podman."),
    "install": _Entry("psictl.commands.install", "Install PSI on this host, upgrade or remove it."),
    "status": _Entry("psictl.commands.status", "Show how the services are."),
    "cache": _Entry("psictl.commands.cache", "What is kept for an outage, and its keys.", True),
    "credential": _Entry("psictl.commands.credential", "What the services are given.", True),
    "seal": _Entry("psictl.commands.seal", "Keep a secret that cannot come from Infisical."),
    "infisical": _Entry("psictl.commands.infisical", "Log in, and read secrets by hand.", True),
    "systemd": _Entry("psictl.commands.systemd", "The units that run PSI.", True),
    "dev": _Entry("psictl.commands.dev", "Run the whole suite below a folder, in the foreground."),
}  # fmt: skip  # one row, one command

_HELP: Final = """Secrets from Infisical for Podman's containers.

Exit codes: 0 done or healthy; 1 failed; 2 usage or configuration; 3 done, but something was
refused or there is drift; 4 a service or socket cannot be reached; 5 temporary, try again.

Example: psictl setup myapp
"""


def build_app(argv: Sequence[str]) -> typer.Typer:
    """Return the command line for these arguments.

    A command whose name is not among them is listed by its one line of help and not imported:
    ``psictl --help`` need not wait for an HTTP library.
    """
    app = typer.Typer(
        help=_HELP,
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_globals)
    for name, entry in COMMANDS.items():
        if name not in argv:
            app.command(name, help=entry.help)(_not_loaded)
            continue
        module = import_module(entry.module)
        if entry.group:
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(module.command)
    return app


def layout_of(context: typer.Context) -> Layout:
    """Return where everything is, as ``--root`` says; raises ConfigError for a bad root."""
    root: Path = context.find_root().params["root"]
    return Layout(root.absolute())


def _show_version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"psictl {metadata.version('psi-suite')}")
        raise typer.Exit


def _globals(
    *,
    root: Annotated[
        Path, typer.Option(metavar="DIR", help="The host's files below DIR, as of psictl dev.")
    ] = Path("/"),
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    """Take the global options; commands read them through layout_of."""


def _not_loaded() -> None:
    """Stand in the help's list for a command whose module was not imported."""
