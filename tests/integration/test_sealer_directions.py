"""Who may say what to the sealer: each socket knows its caller's words and no others."""

import asyncio
import socket
from pathlib import Path

import pytest
from msgspec import msgpack

from psi.shared.errors import ProtocolError
from psi.shared.framing import pack
from psi.shared.messages import broker as b
from psi.shared.messages import sealer as s
from psi.shared.messages.base import Request
from psi.shared.processes import Process
from psi.shared.routes import row_of, rows
from psi.shared.secret import DataKey, SecretBytes, encode_hook
from tests.unit.sealer.running import running
from tests.unit.sealer.scripted_device import ScriptedDevice

CONTROL: tuple[Request, ...] = (
    s.Provision(recovery=False),
    s.AddSlot(kind="device"),
    s.RemoveSlot(number=0),
    s.Recover(recovery_key=SecretBytes(b"x")),
    s.Reseal(),
    s.UnwrapForeign(wrapped=b"x" * 64),
)
BROKER: tuple[Request, ...] = (
    s.WrapKey(purpose="cache", generation=1, key=DataKey(b"k" * 32)),
    s.UnwrapKey(purpose="cache", generation=1, wrapped=b"x"),
)
FOREIGN: tuple[Request, ...] = (
    b.Ping(),
    b.Lookup(secret_id="0" * 25, claimed_uid=0, claimed_pid=1),
)


def talk(path: Path, request: Request) -> bytes:
    """Send one frame; return what comes back, nothing where the connection is closed."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        try:
            connection.sendall(pack(msgpack.encode(request, enc_hook=encode_hook)))
            return connection.recv(4096)
        except ConnectionError:  # closed before or after it was sent
            return b""


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        *(("broker", request) for request in (*CONTROL, *FOREIGN)),
        *(("ctl", request) for request in (*BROKER, *FOREIGN)),
    ],
    ids=str,
)
def test_what_a_caller_may_not_say_ends_its_connection(
    tmp_path: Path, name: str, request_: Request
) -> None:
    async def run() -> None:
        async with running(tmp_path, ScriptedDevice()) as sealer:
            assert await asyncio.to_thread(talk, tmp_path / name, request_) == b""
            status = await sealer.status()
            assert (status.state, status.protocol_errors) == ("unprovisioned", 1)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        *(("ctl", request) for request in (*CONTROL, s.SealerStatus())),
        *(("broker", request) for request in (*BROKER, s.SealerStatus())),
    ],
    ids=str,
)
def test_what_a_caller_may_say_is_answered(tmp_path: Path, name: str, request_: Request) -> None:
    async def run() -> None:
        async with running(tmp_path, ScriptedDevice()) as sealer:
            assert await asyncio.to_thread(talk, tmp_path / name, request_) != b""
            assert (await sealer.status()).protocol_errors == 0

    asyncio.run(run())


@pytest.mark.parametrize("caller", [Process.FRONTEND, Process.PKI])
def test_frontend_and_pki_have_no_row(caller: Process) -> None:
    assert rows(caller, Process.SEALER) == ()
    with pytest.raises(ProtocolError):
        row_of(caller, Process.SEALER, s.WrapKey)


@pytest.mark.parametrize("request_", CONTROL, ids=str)
def test_the_broker_may_not_change_a_slot(request_: Request) -> None:
    with pytest.raises(ProtocolError):
        row_of(Process.BROKER, Process.SEALER, type(request_))


def test_another_uid_is_closed_before_it_is_read(tmp_path: Path) -> None:
    async def run() -> None:
        async with running(tmp_path, ScriptedDevice()) as sealer:
            for endpoint in sealer.sealer.endpoints.values():
                endpoint.uids = frozenset({12345})
            for name in ("ctl", "broker"):
                answer = await asyncio.to_thread(talk, tmp_path / name, s.SealerStatus())
                assert answer == b""

    asyncio.run(run())
