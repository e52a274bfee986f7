"""The conversation with the sealer: the broker's rules, the sealer's name."""

import pytest

from psi.shared.errors import ProtocolError, Temporary, Unreachable
from psi.shared.limits import Limits
from psi.shared.messages import broker as b
from psi.shared.messages import sealer as s
from psi.shared.messages.base import Done, Refused
from psictl.cache.keyslots import sealer_status
from psictl.client import SealerClient
from psictl.layout import Layout
from psictl.refusal import UnknownName
from tests.fakes.broker.host import Host
from tests.fakes.broker.server import Close, Silence, frame
from tests.fakes.sealer.world import slot

QUICK = Limits(control_seconds=0.3, connect_retry_seconds=0.01)


def test_a_reply_is_returned(host: Host) -> None:
    host.sealed.slots = [slot(0, "tpm")]
    with SealerClient(host.layout) as client:
        assert sealer_status(client).slots == [slot(0, "tpm")]


def test_on_a_host_the_remedy_is_the_target_and_the_units_log() -> None:
    with SealerClient(Layout()) as client, pytest.raises(Unreachable) as caught:
        sealer_status(client)
    assert "the sealer's socket /run/psi-ctl/sealer.sock" in str(caught.value)
    assert "systemctl start psi.target, and see journalctl -u psi-sealer" in str(caught.value)


def test_silence_is_unreachable_and_names_the_sealer(host: Host) -> None:
    host.sealer.answers[s.SealerStatus] = lambda _: Silence
    with (
        SealerClient(host.layout, QUICK) as client,
        pytest.raises(Unreachable, match="the sealer did not answer in time"),
    ):
        sealer_status(client)


def test_what_changes_slots_is_not_sent_twice(host: Host) -> None:
    host.sealer.answers[s.Provision] = lambda _: Close
    with SealerClient(host.layout) as client, pytest.raises(Unreachable, match="the sealer closed"):
        client.call(s.Provision(recovery=True), s.ProvisionReply)
    assert len(host.sealer.requests) == 1


def test_what_the_broker_is_asked_is_not_for_the_sealer(host: Host) -> None:
    with SealerClient(host.layout) as client, pytest.raises(ProtocolError, match="to sealer"):
        client.call(b.BrokerStatus(), b.BrokerStatusReply)
    assert host.sealer.requests == []


@pytest.mark.parametrize(
    "untrusted",
    [
        frame(Done(id=1)),
        frame(s.WrapKeyReply(id=1, wrapped=b"x")),
        frame(Refused(id=1, code="absent", detail="no")),
        frame(Refused(id=1, code="device-busy", detail="no")),
        b"\x01\0\0\0\0",
    ],
    ids=["another type", "another socket's", "the broker's code", "another row's code", "empty"],
)
def test_a_reply_that_may_not_be_is_a_protocol_error(host: Host, untrusted: bytes) -> None:
    host.sealer.answers[s.SealerStatus] = lambda _: untrusted
    with SealerClient(host.layout) as client, pytest.raises(ProtocolError):
        sealer_status(client)


@pytest.mark.parametrize(
    ("code", "kind"), [("device-unavailable", Temporary), ("unknown-slot", UnknownName)]
)
def test_a_refusal_has_its_class(host: Host, code: str, kind: type[Exception]) -> None:
    host.sealer.answers[s.RemoveSlot] = lambda _: Refused(code=code, detail="because")
    with SealerClient(host.layout) as client, pytest.raises(kind, match="because"):
        client.call(s.RemoveSlot(number=1), Done)
