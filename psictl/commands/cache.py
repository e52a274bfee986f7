"""``psictl cache``: how it is, bring it up to date, drop from it; and the keyslots."""

from typing import Annotated

import typer

from psi.shared.errors import ConfigError
from psi.shared.messages.broker_cache import (
    CacheStatus,
    CacheStatusReply,
    Invalidate,
    InvalidateReply,
)
from psi.shared.names import printable
from psictl.cache.health import cache_line, cache_problems, file_line, sealer_word
from psictl.cache.naming import request_for
from psictl.cache.refreshing import refresh as refresh_all
from psictl.cli import layout_of
from psictl.client import BrokerClient
from psictl.commands import keyslots
from psictl.output import format_time, say, write_json, write_line
from psictl.reply_fields import reply_fields

_HELP = """What is kept for an outage, and the keyslots that protect it.

Example: psictl cache init --recovery
"""
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

app = typer.Typer(help=_HELP, no_args_is_help=True, rich_markup_mode=None)
app.command("init")(keyslots.init)


@app.command()
def status(
    context: typer.Context,
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Decrypt the file and count; asks the sealer.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show how the cache is; exit 3 where something is wrong with it.

    Example: psictl cache status --verify
    """
    with BrokerClient(layout_of(context)) as client:
        found = client.call(CacheStatus(verify=verify), CacheStatusReply)
    problems = [*cache_problems(found), *sealer_word(found)]
    code = 3 if problems else 0
    if as_json:
        fields = reply_fields(found)
        if not verify:
            del fields["verified"]
        write_json({"exit": code, "problems": problems, **fields})
    else:
        _write_status(found, verify=verify)
        for problem in problems:
            say(problem)
    raise typer.Exit(code)


@app.command()
def refresh(
    context: typer.Context,
    *,
    confirm: Annotated[
        bool,
        typer.Option("--confirm", help="Withdraw more than half of a source, if it is gone twice."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List every source once and bring the cache in line with it.

    Exit 3 where a source failed or something was refused, 5 where every source failed.

    Example: psictl cache refresh
    """
    with BrokerClient(layout_of(context)) as client:
        done = refresh_all(client, confirm=confirm)
    if as_json:
        write_json(done.fields())
    else:
        write_line(done.summary())
        for message in done.messages():
            say(message)
    raise typer.Exit(done.exit_code)


@app.command()
def invalidate(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME|ID]", help="As Podman names it; or P:/PATH#KEY.")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Drop every value.")] = False,
    as_json: AsJson = False,
) -> None:
    """Drop a value, on disk too: the next lookup asks Infisical for it.

    Example: psictl cache invalidate myapp--DB_PASSWORD
    """
    if (name is None) != everything:
        raise ConfigError("give one NAME or ID, or --all")
    with BrokerClient(layout_of(context)) as client:
        request, words = (
            (Invalidate(everything=True), "all") if name is None else request_for(client, name)
        )
        dropped = client.call(request, InvalidateReply).dropped
    if as_json:
        write_json({"invalidated": words, "dropped": dropped})
    else:
        write_line(f"{words}: {dropped} dropped" if dropped else f"{words}: nothing was cached")


app.command("reseal")(keyslots.reseal)
app.command("slots")(keyslots.slots)
app.command("add-slot")(keyslots.add_slot)
app.command("remove-slot")(keyslots.remove_slot)
app.command("recover")(keyslots.recover)


def _write_status(found: CacheStatusReply, *, verify: bool) -> None:
    rows = [
        ("cache", cache_line(found)),
        ("file", file_line(found)),
        ("writes", f"{found.writes} since the start"),
        ("refreshed", format_time(found.refreshed_at)),
        ("sealer", found.sealer),
    ]
    rows += [("verified", f"{found.verified} values were read from the file")] if verify else []
    rows += [("set aside", name) for name in found.unreadable]
    for label, value in rows:
        write_line(f"{label + ':':<12}{printable(value, 300)}")
