"""Rows 9 to 12 and 24: what a caller may not say, and who may not say it.

All is answered alike: the connection is closed without a reply, one line is logged, and the
server's counter of protocol errors goes up by one.
"""

from dataclasses import dataclass

import pytest

from tests.system.probe.outcome import Attempt, Outcome
from tests.system.probe.program.frames import CLOSED
from tests.system.walls import frames
from tests.system.walls.wall import Wall
from tests.system.walls.walled import Walled

FRONTEND = "/run/psi-ipc/broker-frontend/sock"
PKI = "/run/psi-ipc/broker-pki/sock"
SEALER = "/run/psi-ipc/sealer-broker/sock"
CONTROL = "/run/psi-ctl/broker.sock"
WITHIN = 8.0
"""Seconds: a frame that was begun has 5 (Limits.frame_seconds), the rest is for a busy machine."""


def say(path: str, frame: str) -> Attempt:
    return ("talk", path, frame, 1, WITHIN)


SAID = {
    "pki": {
        "a lookup": say(PKI, frames.LOOKUP),
        "a mapping to keep": say(PKI, frames.STORE),
        "the values of a folder": say(PKI, frames.READ),
        "a key to unwrap": say(PKI, frames.UNWRAP),
    },
    "frontend": {
        "a key to unwrap": say(FRONTEND, frames.UNWRAP),
        "the values of a folder": say(FRONTEND, frames.READ),
        "the broker's status": say(FRONTEND, frames.STATUS),
        "to forget all": say(FRONTEND, frames.INVALIDATE),
    },
    "broker": {
        "to remove a keyslot": say(SEALER, frames.REMOVE_SLOT),
        "to provision anew": say(SEALER, frames.PROVISION),
        "a lookup": say(SEALER, frames.LOOKUP),
    },
}
"""What each says inside its own sandbox, on the one socket that is its own."""
MAY_SAY = {
    "pki": {"a ping": say(PKI, frames.PING)},
    "frontend": {
        "a lookup": say(FRONTEND, frames.LOOKUP),
        "a mapping to keep": say(FRONTEND, frames.STORE),
        "a mapping to drop": say(FRONTEND, frames.DELETE),
        "a ping": say(FRONTEND, frames.PING),
    },
    "broker": {
        "the sealer's status": say(SEALER, frames.SEALER_STATUS),
        "a key to wrap": say(SEALER, frames.WRAP),
    },
}
SERVER = {"pki": "broker", "frontend": "broker", "broker": "sealer"}
TRIED = {who: [*said.values(), *MAY_SAY[who].values()] for who, said in SAID.items()}
WALLS: list[Wall] = []
TIMES = 20
GROWTH_KIB = 4096
"""Less than the 20 times 24 KiB of each of them that a server without a cap would keep."""


def _of(table: dict[str, dict[str, Attempt]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("who", "attempt"),
        [
            pytest.param(who, attempt, id=f"{who}: {what}")
            for who, said in table.items()
            for what, attempt in said.items()
        ],
    )


@_of(SAID)
def test_09_10_what_a_caller_may_not_say_closes(walled: Walled, who: str, attempt: Attempt) -> None:
    assert walled.came_of(who, attempt) == Outcome(got=CLOSED)


@_of(MAY_SAY)
def test_09_10_what_it_may_say_is_answered(walled: Walled, who: str, attempt: Attempt) -> None:
    assert str(walled.came_of(who, attempt).got).startswith("01")


@pytest.mark.parametrize("who", ["pki", "frontend"])
def test_09_10_it_is_one_line_and_one_more_on_the_counter(walled: Walled, who: str) -> None:
    attempt = next(iter(SAID[who].values()))
    counted, logged = walled.protocol_errors(), walled.closed_lines()
    outcome = walled.runs.outside(f"psi-{who}", [attempt]).of(attempt)
    assert outcome == Outcome(got=CLOSED)
    assert walled.protocol_errors() == counted + 1
    new = walled.closed_lines()[len(logged) :]
    assert len(new) == 1
    assert f"caller={who} " in new[0]
    assert "undecodable" in new[0]


def test_11_a_stranger_in_the_right_group_is_not_heard(walled: Walled) -> None:
    attempt = say(FRONTEND, frames.PING)
    counted, logged = walled.protocol_errors(), walled.closed_lines()
    told = walled.runs.outside("nobody", [attempt], group="psi-frontend").of(attempt)
    assert told == Outcome(got=CLOSED)
    assert walled.protocol_errors() == counted + 1
    (line,) = walled.closed_lines()[len(logged) :]
    assert "the uid may not connect" in line
    heard = walled.runs.outside("psi-frontend", [attempt]).of(attempt)
    assert str(heard.got).startswith("01")


@pytest.mark.parametrize("who", SAID)
def test_12_a_server_sees_its_peers_own_uid(walled: Walled, who: str) -> None:
    """Though the frontend and pki have user namespaces of their own, in which others are nobody."""
    lines = [line for line in walled.closed_lines(SERVER[who]) if f"caller={who} " in line]
    seen = [int(line.rpartition("uid=")[2].split()[0]) for line in lines if "undecodable" in line]
    assert set(seen) == {walled.uid_of(who)}
    assert len(seen) >= len(SAID[who])


@dataclass(frozen=True)
class Heard:
    """What came of hostile frames, and how many the broker counted."""

    outcomes: dict[str, str]
    counted: int


@pytest.fixture(scope="module")
def hostile(walled: Walled) -> Heard:
    """Say all hostile frames to the running broker at once, as root, who may connect."""
    attempts = {what: say(FRONTEND, frame) for what, frame in frames.HOSTILE.items()}
    attempts["a byte each second"] = ("drip", FRONTEND, frames.LOOKUP, 1.0, WITHIN)
    attempts["lists in lists of a megabyte"] = say(CONTROL, frames.CONTROL_BOMB)
    counted = walled.protocol_errors()
    outcomes = walled.runs.outside("root", attempts.values())
    found = {what: str(outcomes.of(attempt)) for what, attempt in attempts.items()}
    return Heard(found, walled.protocol_errors() - counted)


def test_24_hostile_frames_close_in_time(hostile: Heard) -> None:
    assert hostile.outcomes == dict.fromkeys(hostile.outcomes, str(Outcome(got=CLOSED)))
    assert set(hostile.outcomes) > set(frames.HOSTILE)


def test_24_each_is_counted_once(hostile: Heard) -> None:
    assert hostile.counted == len(hostile.outcomes)


def test_24_another_protocol_is_told_so_and_closed(walled: Walled) -> None:
    attempt = say(FRONTEND, frames.OTHER_PROTOCOL)
    assert walled.runs.outside("root", [attempt]).of(attempt) == Outcome(got="15")


def test_24_they_take_no_memory(walled: Walled, hostile: Heard) -> None:
    attempts = [("talk", FRONTEND, frame, TIMES, WITHIN) for frame in frames.BROKEN.values()]
    before = _resident_kib(walled)
    walled.runs.outside("root", attempts)
    assert _resident_kib(walled) - before < GROWTH_KIB
    legitimate = say(FRONTEND, frames.PING)
    answer = walled.runs.outside("psi-frontend", [legitimate]).of(legitimate)
    assert str(answer.got).startswith("01")


def _resident_kib(walled: Walled) -> int:
    pid = walled.host.property("psi-broker.service", "MainPID")
    status = walled.host.read(f"/proc/{pid}/status").decode()
    return int(status.partition("VmRSS:")[2].split()[0])
