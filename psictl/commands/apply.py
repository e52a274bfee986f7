"""``psictl apply``: the configuration file comes into force."""

from pathlib import Path
from typing import Annotated, Any

import typer

from psi.shared.errors import ConfigError
from psictl.apply import ApplyResult, apply, rollback
from psictl.cli import layout_of
from psictl.layout import Layout
from psictl.output import say, write_json, write_line


def command(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="By default /etc/psi/config.yaml."),
    ] = None,
    *,
    check: Annotated[bool, typer.Option("--check", help="Only check; change nothing.")] = False,
    back: Annotated[
        bool, typer.Option("--rollback", help="Put what was in force before into force again.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check the configuration file and put it into force, as a new generation.

    A file with an error changes nothing; all errors are shown, each with its line. Services that
    it says something new to are restarted, and no others.

    Example: psictl apply --config /etc/psi/config.yaml
    """
    layout = layout_of(context)
    if back and (check or config is not None):
        raise ConfigError("--rollback takes what is on disk: leave --config and --check out")
    result = rollback(layout) if back else _apply(config, layout, check_only=check)
    for notice in result.notices:
        say(notice)
    if as_json:
        write_json(_fields(result))
    else:
        write_line("the configuration is valid" if check else _told(result, back=back))
    if result.failed:
        _tell_failures(result, back=back)
        raise typer.Exit(1)


def _apply(config: Path | None, layout: Layout, *, check_only: bool) -> ApplyResult:
    return apply(config or layout.config, layout, check_only=check_only)


def _told(result: ApplyResult, *, back: bool) -> str:
    again = " again" if back else "" if result.written else " already"
    done = {"restarted": result.restarted, "started": result.started, "stopped": result.stopped}
    acts = [f"{word}: {', '.join(names)}" for word, names in done.items() if names]
    return "; ".join([f"generation {result.generation} is in force{again}", *acts])


def _tell_failures(result: ApplyResult, *, back: bool) -> None:
    for line in result.failed:
        say(line)
    if not back:
        say(f"generation {result.generation} stays in force; psictl apply --rollback goes back")


def _fields(result: ApplyResult) -> dict[str, Any]:
    return {
        "generation": result.generation,
        "written": result.written,
        "changed": list(result.changed),
        "restarted": list(result.restarted),
        "started": list(result.started),
        "stopped": list(result.stopped),
        "failed": list(result.failed),
        "notices": list(result.notices),
    }
