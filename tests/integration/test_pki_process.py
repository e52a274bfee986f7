"""pki as a real process: how it starts, is asked, stops, and what it can say to the broker."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pytest

from psi.shared.errors import PsiError
from psi.shared.limits import Limits
from psi.shared.messages import broker as b
from psi.shared.messages import broker_cache as k
from psi.shared.messages import sealer as s
from psi.shared.messages.base import Refused, Reply, Request
from psi.shared.messages.pki import PkiError, PkiStatus, PkiStatusReply
from psi.shared.processes import Process
from psi.shared.routes import rows
from psi.shared.secret import DataKey, SecretBytes
from tests.fakes.launcher import listening
from tests.unit.pki.pki_process import BrokerProcess, PkiProcess, framed, talk, unknown

ID = "0" * 25
_SECONDS = 30
FOREIGN: dict[str, bytes] = {
    type(request).__name__: framed(request)
    for request in (
        b.Lookup(secret_id=ID, claimed_uid=0, claimed_pid=1),
        b.StoreMapping(secret_id=ID, mapping=b"{}", claimed_uid=0),
        b.DeleteMapping(secret_id=ID, claimed_uid=0),
        b.ReadSecrets(project="myproject", path="/"),
        b.BrokerStatus(),
        b.ListMappings(),
        k.Invalidate(everything=True),
        k.SealSecret(name="A", value=SecretBytes(b"x")),
        s.WrapKey(purpose="cache", generation=1, key=DataKey(b"k" * 32)),
        PkiStatus(),
    )
} | {
    "IssueCertificate": unknown("IssueCertificate", name="web", csr=b"\x30\x82"),
    "CertificateStatus": unknown("CertificateStatus", name="web"),
    "a Ping with more": unknown("Ping", more=1),
    "an empty frame": b"\x01\x00\x00\x00\x00",
}
"""What pki may not say to the broker."""


@pytest.fixture
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("p")


@pytest.fixture
def pki(root: Path) -> Iterator[PkiProcess]:
    with PkiProcess(root) as running:
        yield running


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path_factory.mktemp("b")) as running:
        yield running


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)  # between looks at the condition, not instead of one


def test_it_starts_without_a_broker_and_says_so(pki: PkiProcess) -> None:
    told = pki.status()
    assert (told.broker_answers, told.protocol_errors) == (False, 0)
    assert told.detail == "the broker is not reachable: No such file or directory"


def test_a_broker_that_comes_goes_hangs_and_comes_back(pki: PkiProcess, root: Path) -> None:
    with BrokerProcess(root) as broker:
        assert (pki.status().broker_answers, pki.status().detail) == (True, "")
        broker.kill()
        broker.start()
        assert pki.status().broker_answers
        os.kill(broker.pid, signal.SIGSTOP)
        told = pki.status()
        assert told.detail == f"the broker did not answer in {Limits().ping_seconds:g} s"
        assert not told.broker_answers
        os.kill(broker.pid, signal.SIGCONT)
        assert pki.status().broker_answers
        assert broker.stop() == 0
    assert not pki.status().broker_answers
    assert pki.refusals() == []


def test_what_pki_may_say_to_the_broker_is_answered(broker: BrokerProcess) -> None:
    before = broker.status().protocol_errors
    assert talk(broker.root / broker.paths["pki"], framed(b.Ping(id=7))) == framed(b.Pong(id=7))
    assert broker.status().protocol_errors == before


@pytest.mark.parametrize("frame", FOREIGN.values(), ids=FOREIGN.keys())
def test_what_pki_may_not_say_is_closed_logged_once_and_counted(
    frame: bytes, broker: BrokerProcess
) -> None:
    errors, lines = broker.status().protocol_errors, len(broker.refusals())
    assert talk(broker.root / broker.paths["pki"], frame) == b""
    assert broker.status().protocol_errors == errors + 1
    (line,) = broker.refusals()[lines:]
    assert "caller=pki" in line


@pytest.mark.parametrize("tag", ["IssueCertificate", "CertificateStatus", "PkiStatus"])
def test_certificates_are_no_business_of_the_frontends(tag: str, broker: BrokerProcess) -> None:
    path = broker.root / broker.paths["frontend"]
    errors, lines = broker.status().protocol_errors, len(broker.refusals())
    assert talk(path, unknown(tag, name="web", csr=b"\x30\x82")) == b""
    assert broker.status().protocol_errors == errors + 1
    assert "caller=frontend" in broker.refusals()[lines]
    assert talk(path, framed(b.Ping())) == framed(b.Pong())


def test_the_counts_of_all_sockets_are_one(broker: BrokerProcess) -> None:
    before = broker.status().protocol_errors
    for name in ("frontend", "pki", "ctl"):
        assert talk(broker.root / broker.paths[name], unknown("Nonsense")) == b""
    assert broker.status().protocol_errors == before + 3


def test_pki_gets_a_few_connections_and_takes_none_from_the_frontend(
    broker: BrokerProcess,
) -> None:
    path = broker.root / broker.paths["pki"]
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(5)]
        for connection in held:
            connection.settimeout(_SECONDS)
            connection.connect(str(path))
        *served, refused = held
        assert len(served) == Limits().pki_connections
        assert refused.recv(1) == b""
        for connection in served:
            connection.sendall(framed(b.Ping()))
            assert connection.recv(100) == framed(b.Pong())
        assert talk(broker.root / broker.paths["frontend"], framed(b.Ping())) == framed(b.Pong())


def test_pki_has_one_row_at_the_broker_and_none_elsewhere() -> None:
    assert [row.request for row in rows(Process.PKI, Process.BROKER)] == [b.Ping]
    for server in (Process.SEALER, Process.FRONTEND, Process.PKI):
        assert rows(Process.PKI, server) == ()


CONTROL: dict[str, Request] = {
    "Ping": b.Ping(),
    "BrokerStatus": b.BrokerStatus(),
    "SealerStatus": s.SealerStatus(),
    "Lookup": b.Lookup(secret_id=ID, claimed_uid=0, claimed_pid=1),
}


@pytest.mark.parametrize("request_", CONTROL.values(), ids=CONTROL.keys())
def test_what_is_for_others_ends_the_connection_and_is_counted(
    request_: Request, pki: PkiProcess
) -> None:
    assert talk(pki.root / pki.paths["ctl"], framed(request_)) == b""
    assert len(pki.refusals()) == 1
    assert pki.status().protocol_errors == 1


@pytest.mark.parametrize("tag", ["Issue", "Renew", "RunHooks", "IssueCertificate"])
def test_what_it_cannot_do_yet_it_does_not_know(tag: str, pki: PkiProcess) -> None:
    assert talk(pki.root / pki.paths["ctl"], unknown(tag, name="web")) == b""
    assert pki.status().protocol_errors == 1


def test_another_uid_is_closed_before_it_is_read(root: Path) -> None:
    pki = PkiProcess(root)
    pki.peer_uid = os.getuid() + 1
    with pki:
        assert talk(root / pki.paths["ctl"], framed(PkiStatus())) == b""
        until(lambda: len(pki.refusals()) == 1)
        assert "the uid may not connect" in pki.refusals()[0]


class HungBroker:
    """Takes a Ping from pki and does not answer; meanwhile a status is asked."""

    def __init__(self, pki: PkiProcess) -> None:
        self.replies: list[Reply] = []
        self._pki = pki
        self._asking = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        with listening(self._pki.root / BrokerProcess.paths["pki"]) as broker:
            broker.settimeout(_SECONDS)
            self._asking.start()
            self._connection, _ = broker.accept()
            self._connection.settimeout(_SECONDS)
            assert self._connection.recv(100)
        return self

    def __exit__(self, *_: object) -> None:
        self._asking.join(_SECONDS)
        self._connection.close()

    def _ask(self) -> None:
        self.replies.append(self._pki.ask(PkiStatus()))


def test_a_request_in_flight_is_answered_after_sigterm(root: Path) -> None:
    with PkiProcess(root, limits={"ping_seconds": 0.5}) as pki:
        with HungBroker(pki) as hung:
            assert pki.stop() == 0
        (reply,) = hung.replies
        assert isinstance(reply, PkiStatusReply)
        assert reply.detail == "the broker did not answer in 0.5 s"


def test_one_that_takes_too_long_is_refused_at_the_drains_end(root: Path) -> None:
    with PkiProcess(root, limits={"ping_seconds": 60, "drain_seconds": 0.1}) as pki:
        with HungBroker(pki) as hung:
            assert pki.stop() == 0
        (reply,) = hung.replies
        assert isinstance(reply, Refused)
        assert reply.code == PkiError.DRAINING


def test_a_restart_keeps_the_socket_and_those_who_wait(pki: PkiProcess) -> None:
    assert pki.stop() == 0
    told: list[bool] = []
    thread = threading.Thread(target=lambda: told.append(pki.status().broker_answers))
    thread.start()
    pki.start()
    thread.join(_SECONDS)
    assert told == [False]


@pytest.mark.parametrize("name", ["broker", "http", "pki"])
def test_a_socket_of_another_name_is_refused(name: str, root: Path) -> None:
    pki = PkiProcess(root)
    pki.sockets = {name: pki.sockets["ctl"]}
    pki.process = pki._spawn(root / "nobody.notify")
    assert pki.process.wait(_SECONDS) == 2
    assert f"expected the sockets ctl, got {name}" in pki.text()


def test_without_the_broker_s_third_socket_the_broker_does_not_start(root: Path) -> None:
    broker = BrokerProcess(root)
    broker.sockets.pop("pki").close()
    broker.process = broker._spawn(root / "nobody.notify")
    assert broker.process.wait(_SECONDS) == 2
    assert "expected the sockets ctl, frontend, pki, got frontend, ctl" in broker.text()


def test_it_dumps_no_core_and_holds_nothing(pki: PkiProcess) -> None:
    process = Path(f"/proc/{pki.pid}")
    limits = (process / "limits").read_text().splitlines()
    (core,) = (line.split()[4:6] for line in limits if line.startswith("Max core file size"))
    assert core == ["0", "0"]
    mapped = (process / "maps").read_text()
    for library in ("libtss2", "pkcs11", "uvloop", "yaml"):
        assert library not in mapped
    open_files = {str(link.readlink()) for link in (process / "fd").iterdir()}
    assert {path for path in open_files if path.startswith(str(pki.root))} == {str(pki.log)}


def test_it_does_not_tell_a_status_to_one_that_hangs_up(pki: PkiProcess) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(pki.root / pki.paths["ctl"]))
        connection.sendall(framed(PkiStatus()))
    assert pki.status().protocol_errors == 0
    with pytest.raises(PsiError, match="may not be sent to pki"):
        pki.ask(b.Ping())
