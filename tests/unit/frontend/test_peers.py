"""Who may connect: only the uids of the role, by the kernel's word."""

import os
from pathlib import Path

import pytest

from tests.fakes.launcher import ServiceProcess, listening
from tests.unit.frontend.exchange import ask, request, send
from tests.unit.frontend.rig import Rig
from tests.unit.frontend.waiting import until


class ForAnother(ServiceProcess):
    """A frontend that another user may talk to, and we may not."""

    def environment(self, notify: Path) -> dict[str, str]:
        return super().environment(notify) | {"PSI_DEV_PEER_UID": str(os.getuid() + 1)}


def test_another_uid_is_closed_without_a_word_and_logged(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root = tmp_path_factory.mktemp("p")
    http = root / "psi.sock"
    with listening(http) as listener, ForAnother("frontend", root, {"http": listener}) as frontend:
        for route in ("/healthz", "/list", "/metrics"):
            assert send(http, request("GET", route)) == b""
        until(lambda: frontend.text().count("peer.closed") == 3, "each is logged")
        assert f"uid={os.getuid()}" in frontend.text()


def test_the_right_uid_is_answered(rig: Rig) -> None:
    assert ask(rig.http, "GET", "/list").status == 200
