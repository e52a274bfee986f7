"""The sealer's socket knows the broker's three words, and nobody else's (design, message table)."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import msgpack

from psi.shared.framing import pack
from psi.shared.messages import broker as b
from psi.shared.messages import broker_cache as k
from psi.shared.messages import sealer as s
from psi.shared.messages.base import Refused, Request
from psi.shared.processes import Process
from psi.shared.routes import rows
from psi.shared.secret import DataKey, SecretBytes, encode_hook
from tests.fakes.sealer_stub.host import PATHS, Host, host, seed

SPOKEN: tuple[Request, ...] = (
    s.WrapKey(purpose="cache", generation=1, key=DataKey(b"k" * 32)),
    s.UnwrapKey(purpose="cache", generation=1, wrapped=b"x"),
    s.SealerStatus(),
)
FOREIGN: tuple[Request, ...] = (
    b.Ping(),
    b.Lookup(secret_id="0" * 25, claimed_uid=0, claimed_pid=1),
    b.StoreMapping(secret_id="0" * 25, mapping=b"{}", claimed_uid=0),
    k.Refresh(),
    k.Invalidate(everything=True),
    k.SealSecret(name="A", value=SecretBytes(b"x")),
    s.Provision(recovery=False, force=True),
    s.AddSlot(kind="recovery"),
    s.RemoveSlot(number=0),
    s.Recover(recovery_key=SecretBytes(b"x")),
    s.Reseal(),
    s.UnwrapForeign(wrapped=b"x" * 64),
)


@pytest.fixture(scope="module")
def running() -> Iterator[Host]:
    with host(seed({})) as made:
        made.start()
        yield made


def talk(path: Path, request: Request) -> bytes:
    """Send one frame; return the reply, or nothing where the connection is closed."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        connection.sendall(pack(msgpack.encode(request, enc_hook=encode_hook)))
        try:
            return connection.recv(4096)
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize("request_", SPOKEN, ids=lambda each: type(each).__name__)
def test_what_the_broker_may_say_is_answered(running: Host, request_: Request) -> None:
    assert talk(running.root / PATHS["sealer"]["broker"], request_)


@pytest.mark.parametrize("request_", FOREIGN, ids=lambda each: type(each).__name__)
def test_what_it_may_not_say_ends_the_connection(running: Host, request_: Request) -> None:
    before = (running.sealed / "keyslots").read_bytes()
    assert talk(running.root / PATHS["sealer"]["broker"], request_) == b""
    assert (running.sealed / "keyslots").read_bytes() == before


@pytest.mark.parametrize("request_", SPOKEN, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("role", ["frontend", "ctl"])
def test_the_broker_answers_no_word_that_is_for_the_sealer(
    running: Host, role: str, request_: Request
) -> None:
    """Nobody reaches the sealer through the broker either."""
    assert talk(running.root / PATHS["broker"][role], request_) == b""


def test_frontend_and_pki_have_no_row_and_no_socket_at_the_sealer() -> None:
    assert rows(Process.FRONTEND, Process.SEALER) == rows(Process.PKI, Process.SEALER) == ()
    assert {row.request for row in rows(Process.BROKER, Process.SEALER)} == {
        type(each) for each in SPOKEN
    }


def test_a_key_wrapped_for_one_purpose_is_refused_for_another(running: Host) -> None:
    key = DataKey(b"k" * 32)
    (wrapped,) = running.ask(
        "sealer", s.WrapKey(purpose="cache", generation=7, key=key), role="broker"
    )
    assert isinstance(wrapped, s.WrapKeyReply)
    asked = [
        s.UnwrapKey(purpose="cache", generation=7, wrapped=wrapped.wrapped),
        s.UnwrapKey(purpose="token", generation=7, wrapped=wrapped.wrapped),
        s.UnwrapKey(purpose="cache", generation=8, wrapped=wrapped.wrapped),
    ]
    right, *wrong = running.ask("sealer", *asked, role="broker")
    assert isinstance(right, s.UnwrapKeyReply)
    assert right.key == key
    assert [each.code for each in wrong if isinstance(each, Refused)] == ["context", "context"]
