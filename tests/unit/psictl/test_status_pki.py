"""``psictl status``: pki, where it is expected, and which of its troubles are degraded."""

import subprocess
import sys

import pytest

from psi.shared.messages import pki as p
from psi.shared.messages.base import Done, Refused
from psictl.layout import Layout
from psictl.pki_health import pki_expected, pki_installed
from psictl.status import Probed, Status
from tests.fakes.broker.host import Host
from tests.fakes.broker.server import Close

UNIT = "usr/lib/systemd/system/psi-pki-ctl.socket"


def test_the_screen_has_pki(host: Host) -> None:
    done = host.command("status")
    assert (done.code, done.err) == (0, "")
    assert "pki:        answers\n" in done.out.decode()


def test_the_object_has_pki_and_each_count_of_broken_peers(host: Host) -> None:
    host.world.status = {"backend": "tpm", "protocol_errors": 1}
    host.world.keeping.cache = {"backend": "tpm", "sealer": "open"}
    host.sealed.slots, host.sealed.status = [], {"state": "open", "protocol_errors": 2}
    host.certificates.status = {"protocol_errors": 3}
    shown = host.command("status", "--json").json()
    assert (shown["exit"], shown["problems"]) == (0, [])
    assert shown["pki"] == {
        "reachable": True,
        "version": "0.1.0",
        "protocol_errors": 3,
        "broker_answers": True,
        "detail": "",
    }
    counts = [shown[name]["protocol_errors"] for name in ("broker", "sealer", "pki")]
    assert counts == [1, 2, 3]


def test_pki_without_the_broker_is_exit_3(host: Host) -> None:
    host.certificates.status = {"broker_answers": False, "detail": "the broker did not answer"}
    done = host.command("status")
    assert done.code == 3
    assert "pki gets no answer from the broker: the broker did not answer" in done.err
    assert "pki:        answers, without the broker\n" in done.out.decode()


def test_pki_that_does_not_say_why_leads_to_its_log(host: Host) -> None:
    host.certificates.status = {"broker_answers": False}
    assert "see the log of psi-pki.service" in host.command("status").err


def test_pki_that_is_not_there_is_exit_4_and_the_others_are_shown(host: Host) -> None:
    host.pki.path.unlink()
    done = host.command("status", "--json")
    assert done.code == 4
    assert done.json()["pki"] == {"reachable": False}
    assert done.json()["broker"]["generation"] == 3
    assert "the pki's socket" in done.json()["problems"][0]
    assert "pki:        not reachable" in host.command("status").out.decode()


def test_pki_that_hangs_up_is_exit_4(host: Host) -> None:
    host.pki.answers[p.PkiStatus] = lambda _: Close
    done = host.command("status")
    assert done.code == 4
    assert "the pki closed the connection without an answer" in done.err


@pytest.mark.parametrize("code", ["internal", "draining"])
def test_pki_that_refuses_is_exit_3(host: Host, code: str) -> None:
    host.pki.answers[p.PkiStatus] = lambda _: Refused(code=code, detail="its log")
    done = host.command("status")
    assert done.code == 3
    assert "its log" in done.err
    assert "pki:        degraded" in done.out.decode()


@pytest.mark.parametrize(
    "answer", [Done(), Refused(code="absent", detail="no")], ids=["another type", "another's code"]
)
def test_a_reply_that_may_not_be_is_exit_3(host: Host, answer: Done | Refused) -> None:
    host.pki.answers[p.PkiStatus] = lambda _: answer
    done = host.command("status", "--json")
    assert done.code == 3
    assert done.json()["pki"] == {"reachable": True}


def test_what_pki_says_is_made_fit_for_a_terminal(host: Host) -> None:
    host.certificates.status = {"version": "1\x1b[2J\n"}
    assert host.command("status", "--json").json()["pki"]["version"] == "1?[2J?"


def test_a_development_host_always_has_pki(host: Host) -> None:
    assert pki_expected(Layout(host.root / "bare"))


def test_a_host_without_pki_shows_none(host: Host) -> None:
    assert not pki_installed(Layout(host.root / "bare"))
    reached = Probed()
    status = Status(host.layout, reached, None, reached, None, None, None, None, None, None, None)
    assert (status.exit_code, status.fields()["pki"]) == (0, None)


def test_pki_is_expected_where_its_socket_is(host: Host) -> None:
    assert pki_installed(host.layout)
    host.pki.path.unlink()
    assert not pki_installed(host.layout)


def test_pki_whose_socket_was_stopped_is_expected(host: Host) -> None:
    host.pki.path.unlink()
    unit = host.root / UNIT
    unit.parent.mkdir(parents=True)
    assert not pki_installed(host.layout)
    unit.touch()
    assert pki_installed(host.layout)


def test_pki_is_expected_where_nobody_but_root_may_look(host: Host) -> None:
    host.pki.path.parent.chmod(0)
    host.root.chmod(0o711)
    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, str(host.root)],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    host.pki.path.parent.chmod(0o700)
    assert done.stdout == "True\n"


_AS_NOBODY = """
import os, sys
from pathlib import Path
from psictl.layout import Layout
from psictl.pki_health import pki_installed
if os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
print(pki_installed(Layout(Path(sys.argv[1]))))
"""
