"""``psictl install``: programs, users, folders, units, and Podman's driver commands."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from psi.shared.errors import ConfigError
from psictl.cli import layout_of
from psictl.install.driver_conf import CONF_FILE, CONF_FOLDER, install_driver
from psictl.install.host import ThisHost
from psictl.install.installing import install
from psictl.install.looking import wanted_texts
from psictl.install.places import PREFIX, Places
from psictl.install.request import Report, Request
from psictl.install.uninstalling import uninstall
from psictl.layout import Layout
from psictl.output import say
from psictl.progress import show_progress


def _flag(name: str, told: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(name, help=told)
    return option


_SOURCE = typer.Option("--from", metavar="PATH", help="A wheel or the source folder of psi-suite.")
_WHEELHOUSE = typer.Option(metavar="DIR", help="Take all packages from here, and from no index.")
_PREFIX = typer.Option(metavar="DIR", help="Where the programs go.")


def command(  # noqa: PLR0913 - one parameter, one option
    context: typer.Context,
    *,
    source: Annotated[Path | None, _SOURCE] = None,
    wheelhouse: Annotated[Path | None, _WHEELHOUSE] = None,
    prefix: Annotated[str, _PREFIX] = PREFIX,
    without_tpm: Annotated[
        bool, _flag("--without-tpm", "A sealer for hosts without a TPM.")
    ] = False,
    without_pkcs11: Annotated[
        bool, _flag("--without-pkcs11", "A sealer for hosts without an HSM.")
    ] = False,
    default_driver: Annotated[
        bool, _flag("--default-driver", "Make shell the driver of every new secret.")
    ] = False,
    newest: Annotated[bool, _flag("--newest", "Take newer libraries for the same PSI.")] = False,
    driver_only: Annotated[
        bool, _flag("--driver-only", "Tell Podman's shell driver of PSI, and no more.")
    ] = False,
    stdout: Annotated[bool, _flag("--stdout", "Print the files instead of writing them.")] = False,
    dry_run: Annotated[bool, _flag("--dry-run", "Say what would be done.")] = False,
    remove: Annotated[
        bool, _flag("--uninstall", "Remove all but configuration, state and users.")
    ] = False,
    purge: Annotated[bool, _flag("--purge", "With --uninstall: remove these too.")] = False,
    yes: Annotated[bool, _flag("--yes", "With --purge: do not ask.")] = False,
) -> None:
    """Install PSI on this host, or upgrade it; a second run changes nothing.

    With --root DIR everything is staged below DIR, as for a package. --driver-only writes
    /etc/containers/containers.conf.d/psi.conf and nothing else.

    Example: psictl install --wheelhouse /srv/wheels
    """
    layout = layout_of(context)
    if purge and not remove:
        raise ConfigError("--purge goes with --uninstall")
    if driver_only:
        _driver_only(layout, stdout=stdout, default_driver=default_driver)
        return
    request = Request(
        places=Places(layout.root, prefix),
        host=ThisHost() if layout.is_host else None,
        source=source,
        wheelhouse=wheelhouse.absolute() if wheelhouse else None,
        tpm=not without_tpm,
        pkcs11=not without_pkcs11,
        default_driver=default_driver,
        newest=newest,
        dry_run=dry_run,
    )
    if remove:
        _uninstall(request, purge=purge, sure=yes)
    elif stdout:
        _print(request)
    else:
        with show_progress() as progress:
            report = install(request, progress)
        _say(report)


def _driver_only(layout: Layout, *, stdout: bool, default_driver: bool) -> None:
    done = install_driver(
        layout.root,
        stdout=stdout,
        default_driver=default_driver,
        socket_path=str(layout.http_socket),
    )
    if stdout:
        sys.stdout.write(done.text)
    for message in done.messages:
        say(message)


def _print(request: Request) -> None:
    """Print every generated file below a line with its path."""
    wanted = wanted_texts(request)
    driver = "/".join(("", *CONF_FOLDER, CONF_FILE))
    for path, text in {**wanted.texts, driver: wanted.driver}.items():
        sys.stdout.write(f"# {path}\n{text}\n")


def _uninstall(request: Request, *, purge: bool, sure: bool) -> None:
    if purge and not (sure or request.dry_run):
        _ask(request)
    with show_progress() as progress:
        report = uninstall(request, purge=purge, tell=progress)
    _say(report)


def _ask(request: Request) -> None:
    """Raise ConfigError unless a person agrees."""
    what = f"remove {request.places.config_dir}, all state and the users of PSI"
    if not sys.stdin.isatty():
        raise ConfigError(f"--purge would {what}: say --yes")
    if not typer.confirm(f"This will {what}. Go on?", err=True):
        raise ConfigError("nothing was removed")


def _say(report: Report) -> None:
    for line in (*report.changes, *report.notes):
        say(line)
