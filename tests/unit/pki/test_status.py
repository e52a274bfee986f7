"""pki's account of a broker that answers, is away, is silent, or is hostile."""

import asyncio
import threading
import time
from pathlib import Path

import pytest

from psi.pki.broker_link import BrokerLink
from psi.pki.status import StatusReport
from psi.shared import __version__
from psi.shared.framing import WRONG_PROTOCOL
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.base import Done, Refused
from psi.shared.messages.broker import LookupReply, Ping, Pong
from psi.shared.messages.pki import PkiStatus, PkiStatusReply
from psi.shared.processes import Process
from psi.shared.secret import SecretBytes
from tests.fakes.broker_stub.acts import Act, Cut, Hang, Late, Raw, frame
from tests.fakes.broker_stub.stub import BrokerStub

QUICK = Limits(ping_seconds=0.2, connect_retry_seconds=0.01)


def asked(path: Path, *, times: int = 1, limits: Limits = QUICK) -> list[PkiStatusReply]:
    """Return what pki says of the broker behind a path, asked one time after the other."""

    async def run() -> list[PkiStatusReply]:
        link = BrokerLink(str(path), limits, Log(Process.PKI))
        report = StatusReport(link, lambda: 7)
        try:
            return [await reported(report) for _ in range(times)]
        finally:
            link.close()

    return asyncio.run(run())


async def reported(report: StatusReport) -> PkiStatusReply:
    reply = await report.report(PkiStatus(id=3))
    assert isinstance(reply, PkiStatusReply)
    return reply


def test_a_broker_that_answers(tmp_path: Path) -> None:
    with BrokerStub(tmp_path / "sock") as stub:
        (told,) = asked(stub.path)
        assert told == PkiStatusReply(
            id=3, version=__version__, protocol_errors=7, broker_answers=True, detail=""
        )


def test_the_connection_is_kept(tmp_path: Path) -> None:
    with BrokerStub(tmp_path / "sock") as stub:
        assert all(told.broker_answers for told in asked(stub.path, times=3))
        assert (stub.asked(Ping), len({each.id for each in stub.requests})) == (3, 3)


def test_a_broker_that_is_away(tmp_path: Path) -> None:
    (told,) = asked(tmp_path / "none")
    assert not told.broker_answers
    assert told.detail == "the broker is not reachable: No such file or directory"


def test_a_broker_that_is_silent_costs_one_deadline(tmp_path: Path) -> None:
    began = time.monotonic()
    with BrokerStub(tmp_path / "sock", lambda _: Hang()) as stub:
        (told,) = asked(stub.path)
    assert not told.broker_answers
    assert told.detail == "the broker did not answer in 0.2 s"
    assert time.monotonic() - began < 10


HOSTILE: dict[str, Act] = {
    "nonsense": Raw(b"\x01\x00\x00\x00\x02\xc1\xc1"),
    "a frame that is too large": Raw(b"\x01\xff\xff\xff\xff"),
    "the reply to another request": Raw(frame(Pong(id=4711))),
    "a reply of another type": Raw(frame(Done(id=1))),
    "a value": Raw(frame(LookupReply(id=1, value=SecretBytes(b"x")))),
    "a reply that is cut": Cut(Pong(), 4),
    "another protocol without end": Raw(WRONG_PROTOCOL, close=True),
    "a refusal": Refused(code="internal", detail="a fault of the broker; its log has the cause"),
}


@pytest.mark.parametrize("act", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_broker_that_answers_wrongly_is_told(act: Act, tmp_path: Path) -> None:
    with BrokerStub(tmp_path / "sock", lambda _: act) as stub:
        told = asked(stub.path, times=2)
    assert [each.broker_answers for each in told] == [False, False]
    assert all(each.detail for each in told)


def test_a_broker_that_was_silent_and_answers_again(tmp_path: Path) -> None:
    gate = threading.Event()
    with BrokerStub(tmp_path / "sock", lambda _: Late(gate, Pong())) as stub:

        async def run() -> list[bool]:
            link = BrokerLink(str(stub.path), QUICK, Log(Process.PKI))
            report = StatusReport(link, lambda: 0)
            silent = await reported(report)
            gate.set()
            after = await reported(report)
            link.close()
            return [silent.broker_answers, after.broker_answers]

        assert asyncio.run(run()) == [False, True]


def test_many_who_ask_at_once_share_one_connection(tmp_path: Path) -> None:
    with BrokerStub(tmp_path / "sock") as stub:

        async def run() -> list[PkiStatusReply]:
            link = BrokerLink(str(stub.path), Limits(), Log(Process.PKI))
            report = StatusReport(link, lambda: 0)
            told = await asyncio.gather(*(reported(report) for _ in range(16)))
            assert stub.connections == 1
            link.close()
            return list(told)

        assert all(told.broker_answers for told in asyncio.run(run()))
