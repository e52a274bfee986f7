"""What ``psictl status`` says of services whose sockets are there and that never answer."""

import contextlib
import tempfile
from pathlib import Path

import msgspec
import pytest

from psi.shared.limits import Limits
from psi.shared.processes import Process
from psictl import status
from psictl.layout import Layout
from tests.fakes.launcher import listening


def test_each_is_given_up_in_time_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the shipped bounds it would wait for 45 s; what is shown is that it uses them."""
    monkeypatch.setattr(status, "ANSWER_SECONDS", 0.2)
    limits = msgspec.structs.replace(Limits(), control_seconds=0.2)
    monkeypatch.setattr(status, "_LIMITS", limits)
    with (
        tempfile.TemporaryDirectory(prefix="psi-", dir="/tmp") as folder,
        contextlib.ExitStack() as open_,
    ):
        layout = Layout(Path(folder))
        sockets = [layout.http_socket]
        sockets += [layout.control_socket(server) for server in (Process.BROKER, Process.PKI)]
        for path in sockets:
            open_.enter_context(listening(path))
        told = status.read_status(layout)
    assert told.exit_code == 4
    assert len(told.problems) == len(sockets)
    for name in ("psi.sock", "broker", "pki"):
        assert any(name in problem for problem in told.problems)


def test_the_shipped_bounds_are_a_person_s() -> None:
    assert status.ANSWER_SECONDS <= 15
    assert status._LIMITS.control_seconds == status.ANSWER_SECONDS
