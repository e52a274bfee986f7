"""``psictl apply``: the configuration file comes into force."""

from pathlib import Path
from typing import Annotated, Any

import typer

from psictl.apply import ApplyResult, apply
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
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check the configuration file and put it into force, as a new generation.

    A file with an error changes nothing; all errors are shown, each with its line.

    Example: psictl apply --config /etc/psi/config.yaml
    """
    layout = layout_of(context)
    result = apply(config or layout.config, layout, check_only=check)
    for notice in result.notices:
        say(notice)
    if as_json:
        write_json(_fields(result))
    else:
        write_line("the configuration is valid" if check else _told(result, layout))


def _told(result: ApplyResult, layout: Layout) -> str:
    if not result.written:
        return f"generation {result.generation} is in force already"
    told = f"generation {result.generation} is in force"
    if result.restarted:
        return f"{told}; restarted: {', '.join(result.restarted)}"
    if result.changed and layout.is_host:
        return f"{told}; now: systemctl try-restart {' '.join(p.unit for p in result.changed)}"
    return told


def _fields(result: ApplyResult) -> dict[str, Any]:
    return {
        "generation": result.generation,
        "written": result.written,
        "changed": list(result.changed),
        "restarted": list(result.restarted),
        "notices": list(result.notices),
    }
