"""``psictl status``: one screen."""

from typing import Annotated

import typer

from psi.shared.messages.broker import BrokerStatusReply
from psi.shared.names import printable
from psictl.cache.health import cache_line, file_line, sealer_line
from psictl.cli import layout_of
from psictl.generation import ConfigState
from psictl.output import format_time, say, write_json, write_line, write_table
from psictl.pki_health import pki_line
from psictl.status import Status, read_status

_IN_FORCE = {True: "is in force", False: "was edited and not applied", None: "cannot be read"}


def command(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show how the services are; exit 0 healthy, 3 degraded or drifted, 4 unreachable.

    Example: psictl status --json
    """
    status = read_status(layout_of(context))
    if as_json:
        write_json(status.fields())
    else:
        _write_screen(status)
    raise typer.Exit(status.exit_code)


def _write_screen(status: Status) -> None:
    healthy = status.health is not None and status.health.status == 200
    rows = [
        ("frontend", "answers lookups" if healthy else _reach(reachable=status.frontend.reachable)),
        ("broker", "answers" if status.state else _reach(reachable=status.broker.reachable)),
    ]
    rows += [*_sealer_rows(status), *_pki_rows(status)]
    rows += [] if status.state is None else _broker_rows(status, status.state)
    for name, value in rows:
        write_line(f"{name + ':':<12}{printable(value, 1024)}")
    if status.state is not None and status.state.identities:
        write_line("")
        _write_identities(status.state)
    for problem in status.problems:
        say(problem)


def _reach(*, reachable: bool) -> str:
    return "degraded" if reachable else "not reachable"


def _broker_rows(status: Status, state: BrokerStatusReply) -> list[tuple[str, str]]:
    bad = f", {state.bad_mappings} files that are none" if state.bad_mappings else ""
    return [
        ("version", state.version),
        *_config_rows(status.config),
        ("infisical", f"{state.api_url}, last answer {format_time(state.upstream_ok_at)}"),
        ("workloads", f"{state.workloads}, with {state.mappings} mappings{bad}"),
        *_cache_rows(status, state),
        ("lookups", f"{state.lookups}, {state.refusals} refused"),
        ("upstream", f"{state.upstream_requests} requests, API {state.api}"),
    ]


def _sealer_rows(status: Status) -> list[tuple[str, str]]:
    if status.sealer is None:
        return []
    if status.sealer_state is None:
        return [("sealer", _reach(reachable=status.sealer.reachable))]
    return [("sealer", sealer_line(status.sealer_state))]


def _pki_rows(status: Status) -> list[tuple[str, str]]:
    if status.pki is None:
        return []
    if status.pki_state is None:
        return [("pki", _reach(reachable=status.pki.reachable))]
    return [("pki", pki_line(status.pki_state))]


def _cache_rows(status: Status, state: BrokerStatusReply) -> list[tuple[str, str]]:
    if status.cache is None:
        return [("cache", f"{state.backend}, {state.cached} values")]
    return [
        ("cache", cache_line(status.cache)),
        ("file", file_line(status.cache)),
        ("refreshed", format_time(status.cache.refreshed_at)),
        *(("set aside", name) for name in status.cache.unreadable),
    ]


def _config_rows(config: ConfigState | None) -> list[tuple[str, str]]:
    if config is None:
        return []
    applied = "unknown" if config.applied is None else str(config.applied)
    return [
        ("config", f"{config.path} {_IN_FORCE[config.in_force]}"),
        ("generation", applied + ("" if config.broker_current else ", which the broker lacks")),
    ]


def _write_identities(state: BrokerStatusReply) -> None:
    write_table(
        ("IDENTITY OF", "METHOD", "IDENTITY", "STATE", "TOKEN EXPIRES"),
        [
            (each.scope, each.method, each.identity, each.state, format_time(each.expires_at))
            for each in state.identities
        ],
    )
