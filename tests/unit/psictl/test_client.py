"""The conversation with the broker: what is repeated, what is refused, and with which exit code."""

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from psi.shared.errors import ProtocolError, PsiError, Refusal, Temporary, Unreachable
from psi.shared.framing import WRONG_PROTOCOL, pack
from psi.shared.limits import REPLY_FRAME_BYTES, Limits
from psi.shared.messages import broker as b
from psi.shared.messages.base import Done, Refused
from psi.shared.processes import Process
from psictl.client import BrokerClient
from psictl.layout import Layout
from psictl.refusal import UnknownName
from tests.fakes.broker.host import Host
from tests.fakes.broker.server import Close, Silence, frame

QUICK = Limits(control_seconds=0.3, connect_retry_seconds=0.01)


def names(client: BrokerClient) -> list[str]:
    return client.call(b.ListWorkloads(), b.ListWorkloadsReply).workloads


def test_a_reply_is_returned_and_the_connection_kept(host: Host, client: BrokerClient) -> None:
    host.world.add("myapp")
    assert [names(client), names(client)] == [["myapp"], ["myapp"]]
    assert [request.id for request in host.broker.requests] == [1, 2]


def test_an_absent_socket_is_unreachable_and_names_the_remedy(host: Host) -> None:
    layout = Layout(host.root / "nothing")
    with (
        BrokerClient(layout) as client,
        pytest.raises(Unreachable, match="start it with psictl dev"),
    ):
        names(client)


def test_on_a_host_the_remedy_is_the_target_and_the_units_log() -> None:
    with BrokerClient(Layout()) as client, pytest.raises(Unreachable) as caught:
        names(client)
    assert "systemctl start psi.target, and see journalctl -u psi-broker.service" in str(
        caught.value
    )
    assert caught.value.exit_code == 4


def test_a_socket_that_nobody_listens_on_is_unreachable(host: Host) -> None:
    layout = Layout(host.root / "dead")
    path = layout.control_socket(Process.BROKER)
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
    with BrokerClient(layout) as client, pytest.raises(Unreachable, match="refused"):
        names(client)


def test_another_protocol_number_is_waited_out(host: Host, client: BrokerClient) -> None:
    host.world.add("myapp")
    host.broker.greetings = [WRONG_PROTOCOL, WRONG_PROTOCOL, WRONG_PROTOCOL]
    assert names(client) == ["myapp"]


def test_another_protocol_number_until_the_deadline_is_an_error(host: Host) -> None:
    host.broker.greetings = [WRONG_PROTOCOL] * 1000
    with (
        BrokerClient(host.layout, QUICK) as client,
        pytest.raises(ProtocolError, match="another protocol number"),
    ):
        names(client)


def test_a_lost_connection_is_retried_once(host: Host, client: BrokerClient) -> None:
    host.world.add("myapp")
    host.broker.greetings = [b""]
    assert names(client) == ["myapp"]


def test_a_second_lost_connection_is_unreachable(host: Host, client: BrokerClient) -> None:
    host.broker.greetings = [b"", b""]
    with pytest.raises(Unreachable, match="without an answer"):
        names(client)


def test_a_kept_connection_that_the_broker_closed_costs_nothing(
    host: Host, client: BrokerClient
) -> None:
    host.world.add("myapp")
    names(client)
    host.broker.answers[b.ListWorkloads] = lambda request: _once(host, request)
    assert names(client) == ["myapp"]


def _once(host: Host, _request: Any) -> object:
    del host.broker.answers[b.ListWorkloads]
    return Close


def test_a_half_sent_reply_is_retried_then_unreachable(host: Host, client: BrokerClient) -> None:
    half = frame(b.ListWorkloadsReply(workloads=["myapp"], next=0, id=1))[:-3]
    host.broker.greetings = [half, half]
    with pytest.raises(Unreachable):
        names(client)


def test_silence_ends_at_the_deadline_as_unreachable(host: Host) -> None:
    host.broker.answers[b.ListWorkloads] = lambda _: Silence
    with BrokerClient(host.layout, QUICK) as client, pytest.raises(Unreachable, match="in time"):
        names(client)


HOSTILE = {
    "no message": pack(b"\x01\x02\x03"),
    "not even a frame": b"HTTP/1.1 200 OK\r\n\r\n",
    "too large a frame": b"\x01" + (REPLY_FRAME_BYTES + 1).to_bytes(4, "big"),
    "an empty frame": b"\x01\0\0\0\0",
    "another request's id": frame(b.ListWorkloadsReply(id=99, workloads=[], next=0)),
    "another type": frame(b.ListMappingsReply(id=1, mappings=[], next=0)),
    "a type of another socket": frame(b.Pong(id=1)),
    "a plain Done": frame(Done(id=1)),
    "a name with a newline": frame(
        b.ListWorkloadsReply(id=1, workloads=["app\n[Service]"], next=0)
    ),
    "two replies": frame(b.ListWorkloadsReply(id=1, workloads=[], next=0)) * 2,
    "a reply and a bit": frame(b.ListWorkloadsReply(id=1, workloads=[], next=0)) + b"\x01",
    "a code of another row": frame(Refused(id=1, code="forbidden", detail="no")),
    "a code of no row": frame(Refused(id=1, code="be-root", detail="no")),
    "a refusal with an escape sequence": frame(Refused(id=1, code="internal", detail="\x1b[2J")),
}


@pytest.mark.parametrize("untrusted", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_reply_that_may_not_be_is_a_protocol_error(
    host: Host, client: BrokerClient, untrusted: bytes
) -> None:
    host.broker.answers[b.ListWorkloads] = lambda _: untrusted
    with pytest.raises(ProtocolError) as caught:
        names(client)
    assert str(caught.value).isprintable()
    assert caught.value.exit_code == 1


def test_after_a_protocol_error_the_connection_is_a_new_one(
    host: Host, client: BrokerClient
) -> None:
    host.world.add("myapp")
    host.broker.answers[b.ListWorkloads] = lambda _: HOSTILE["two replies"]
    with pytest.raises(ProtocolError):
        names(client)
    host.broker.answers.clear()
    assert names(client) == ["myapp"]


def test_more_bytes_than_any_list_has_end_the_command(host: Host) -> None:
    host.world.add("myapp")
    with (
        BrokerClient(host.layout, max_received=40) as client,
        pytest.raises(ProtocolError, match="over 40 bytes"),
    ):
        names(client)


@pytest.mark.parametrize(
    ("code", "kind", "exit_code"),
    [
        ("unreachable", Temporary, 5),
        ("limited", Temporary, 5),
        ("draining", Temporary, 5),
        ("refused", Refusal, 1),
        ("absent", Refusal, 1),
        ("internal", Refusal, 1),
        ("unknown-name", UnknownName, 2),
    ],
)
def test_a_refusal_has_its_exit_code_and_its_detail(
    host: Host, client: BrokerClient, code: str, kind: type[PsiError], exit_code: int
) -> None:
    host.broker.answers[b.Discover] = lambda _: Refused(code=code, detail="because")
    with pytest.raises(kind, match="because") as caught:
        client.call(b.Discover(workload="myapp"), b.DiscoverReply)
    assert caught.value.exit_code == exit_code


def test_a_full_backlog_is_waited_for(tmp_path: Path, host: Host) -> None:
    layout = Layout(host.root / "full")
    path = layout.control_socket(Process.BROKER)
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(str(path))
        listener.listen(0)
        first.connect(str(path))
        tried = threading.Event()

        def make_room() -> None:
            tried.wait()
            listener.accept()[0].close()
            connected, _ = listener.accept()
            connected.recv(1 << 16)
            connected.sendall(frame(b.ListWorkloadsReply(id=1, workloads=["late"], next=0)))

        answering = threading.Thread(target=make_room)
        answering.start()
        with BrokerClient(layout, Limits(connect_retry_seconds=0.01)) as client:
            tried.set()
            assert names(client) == ["late"]
        answering.join()
