"""The route table: each row has its user, each socket takes its rows and nothing else."""

import ast
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from psi.frontend.head import BadRequest, Head, parse_head
from psi.frontend.replies import STATUS_OF
from psi.shared.errors import ProtocolError
from psi.shared.limits import Limits
from psi.shared.messages.base import Message, Refused, Reply, Request
from psi.shared.messages.broker import BrokerError
from psi.shared.messages.pki import PkiError
from psi.shared.messages.sealer import SealerError
from psi.shared.peer import DEVELOPMENT_UID
from psi.shared.processes import Process
from psi.shared.routes import ROUTES, Route, reply_decoder, request_decoder, row_of, rows
from psi.shared.secret import SecretBytes
from psictl.cli import COMMANDS, build_app
from tests.unit.shared.largest_value import largest_of
from tests.unit.shared.loops import LOOPS, Run, runner
from tests.unit.shared.struct_types import CONCRETE, MESSAGES
from tests.unit.shared.wire import Recorder, Wire, encode, frame, serving

ROOT = Path(__file__).parents[2]
SOCKETS = tuple(dict.fromkeys((row.caller, row.server) for row in ROUTES))
SENT = tuple(each for each in CONCRETE if each in MESSAGES)
"""Every message type that is ever sent."""
SOURCES = {
    Process.FRONTEND: ROOT / "services/frontend",
    Process.BROKER: ROOT / "services/broker",
    Process.PKI: ROOT / "services/pki",
    Process.CTL: ROOT / "psictl",
}
ServerError = BrokerError | SealerError | PkiError
ERRORS: dict[Process, type[ServerError]] = {
    Process.BROKER: BrokerError,
    Process.SEALER: SealerError,
    Process.PKI: PkiError,
}
AWAITED = {"psictl migrate"}
"""Commands of a row that is there before them; one that exists must leave this list."""


def _row_name(row: object) -> str:
    return f"{row.caller}-{row.request.__name__}" if isinstance(row, Route) else str(row)


def commands() -> set[str]:
    """Return every command of psictl as it is typed."""
    found = set()
    for name in COMMANDS:
        command: Any = typer.main.get_command(build_app([name]))
        found |= set(_leaves(f"psictl {name}", command.commands[name]))
    return found


def _leaves(typed: str, command: Any) -> Iterator[str]:
    below = getattr(command, "commands", None)
    if below is None:
        yield typed
        return
    for name, each in below.items():
        yield from _leaves(f"{typed} {name}", each)


def calls(source: Path) -> set[str]:
    """Return the names of all that a file calls."""
    called = [
        node.func for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Call)
    ]
    return {getattr(each, "id", "") or getattr(each, "attr", "") for each in called}


def http_head(used_by: str) -> Head:
    """Return the parsed head of a route as ``GET /lookup``, with an id where it takes one."""
    for target in (used_by, f"{used_by}/{'a' * 25}"):
        try:
            return parse_head(f"{target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        except BadRequest:
            continue
    raise AssertionError(f"the frontend has no {used_by}")


@pytest.mark.parametrize("row", ROUTES, ids=_row_name)
def test_a_row_is_used_by_something_that_exists(row: Route) -> None:
    if row.used_by in AWAITED:
        assert row.used_by not in commands()
    elif row.caller is Process.CTL:
        assert row.used_by in commands()
    elif row.caller is not Process.FRONTEND:
        assert (SOURCES[row.caller] / row.used_by).is_file()
    else:
        assert f"/{http_head(row.used_by).route}" == row.used_by.partition(" ")[2]


def test_what_does_not_exist_is_no_user() -> None:
    assert "psictl frobnicate" not in commands()
    with pytest.raises(AssertionError, match="no PUT /lookup"):
        http_head("PUT /lookup")


@pytest.mark.parametrize("row", ROUTES, ids=_row_name)
def test_the_source_of_the_caller_makes_the_request(row: Route) -> None:
    if row.used_by in AWAITED:
        return
    sources = SOURCES[row.caller].rglob("*.py")
    assert any(row.request.__name__ in calls(source) for source in sources)


@pytest.mark.parametrize("row", ROUTES, ids=_row_name)
def test_the_source_of_the_server_handles_the_request(row: Route) -> None:
    sources = (ROOT / "services" / row.server).rglob("*.py")
    handled = re.compile(rf"case {row.request.__name__}\(")
    assert any(handled.search(source.read_text()) for source in sources)


def test_every_request_has_a_row() -> None:
    requests = {each for each in SENT if issubclass(each, Request)}
    assert requests == {row.request for row in ROUTES}


def test_every_reply_has_a_row() -> None:
    replies = {each for each in SENT if issubclass(each, Reply)}
    assert replies == {row.reply for row in ROUTES} | {Refused}


def test_no_request_has_two_rows_on_one_socket() -> None:
    keys = [(row.caller, row.server, row.request) for row in ROUTES]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("row", ROUTES, ids=_row_name)
def test_a_rows_deadline_is_a_limit_in_seconds(row: Route) -> None:
    assert row.deadline in Limits.__struct_fields__
    assert row.deadline.endswith("_seconds")
    assert getattr(Limits(), row.deadline) > 0


@pytest.mark.parametrize("row", ROUTES, ids=_row_name)
def test_a_rows_errors_are_the_servers_and_stand_once(row: Route) -> None:
    assert all(isinstance(code, ERRORS[row.server]) for code in row.errors)
    assert len(row.errors) == len(set(row.errors))


@pytest.mark.parametrize("code", [*BrokerError, *SealerError, *PkiError], ids=repr)
def test_an_error_code_is_used_by_a_row(code: ServerError) -> None:
    assert any(code in row.errors for row in ROUTES)


def test_every_code_that_the_frontend_may_get_has_an_http_status() -> None:
    codes = {code for row in rows(Process.FRONTEND, Process.BROKER) for code in row.errors}
    assert codes == set(STATUS_OF)


def test_a_caller_may_send_its_row() -> None:
    for row in ROUTES:
        assert row_of(row.caller, row.server, row.request) is row


def test_a_caller_may_not_send_another_callers_row() -> None:
    for row in ROUTES:
        others = [each for each in Process if (each, row.server) in SOCKETS]
        for caller in others:
            if row.request not in {each.request for each in rows(caller, row.server)}:
                with pytest.raises(ProtocolError, match="may not send"):
                    row_of(caller, row.server, row.request)


def _foreign() -> list[tuple[Process, Process, type[Message]]]:
    return [
        (caller, server, message)
        for caller, server in SOCKETS
        for message in SENT
        if message not in {row.request for row in rows(caller, server)}
    ]


@pytest.fixture(params=list(LOOPS))
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setenv(DEVELOPMENT_UID, str(os.getuid()))
    with runner(request.param) as made:
        yield made


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="psi-", dir="/tmp") as folder:
        yield Path(folder) / "sock"


def small(message: type[Message]) -> Message:
    """Return a legal value that fits every frame, so that only its type can be refused."""
    value: Message = largest_of(message)
    fields = {name: getattr(value, name) for name in message.__struct_fields__}
    lists: dict[str, Any] = {name: [] for name, each in fields.items() if isinstance(each, list)}
    secrets = {n: SecretBytes(b"x") for n, each in fields.items() if type(each) is SecretBytes}
    return msgspec.structs.replace(value, **lists, **secrets)


@pytest.mark.parametrize(("caller", "server", "message"), _foreign())
def test_a_foreign_message_closes_the_connection(
    caller: Process, server: Process, message: type[Message], run: Run, path: Path
) -> None:
    async def scenario() -> None:
        recorder = Recorder()
        async with serving(path, recorder, caller, server=server) as endpoint:
            wire = await Wire.connect(path)
            await wire.send(frame(small(message)))
            assert await wire.rest() == b""
            assert recorder.requests == []
            assert endpoint.protocol_errors == 1
            wire.close()

    run(scenario())


@pytest.mark.parametrize("row", ROUTES, ids=_row_name)
def test_an_own_message_is_answered(row: Route, run: Run, path: Path) -> None:
    async def scenario() -> None:
        recorder = Recorder()
        async with serving(path, recorder, row.caller, server=row.server) as endpoint:
            wire = await Wire.connect(path)
            request = largest_of(row.request)
            await wire.send(frame(request))
            header = await wire.reader.readexactly(5)
            assert header[0] == 1
            assert recorder.requests == [request]
            assert endpoint.protocol_errors == 0
            wire.close()

    run(scenario())


@pytest.mark.parametrize(("caller", "server"), SOCKETS)
def test_a_callers_decoder_takes_its_replies_and_no_other(caller: Process, server: Process) -> None:
    decoder = reply_decoder(caller, server)
    own = {row.reply for row in rows(caller, server)} | {Refused}
    for message in SENT:
        body = encode(largest_of(message))
        if message in own:
            assert isinstance(decoder.decode(body), message)
        else:
            with pytest.raises(ValueError, match="Invalid value"):
                decoder.decode(body)


@pytest.mark.parametrize(("caller", "server"), SOCKETS)
def test_a_servers_decoder_takes_its_requests(caller: Process, server: Process) -> None:
    decoder = request_decoder(caller, server)
    for row in rows(caller, server):
        request = largest_of(row.request)
        assert decoder.decode(encode(request)) == request
