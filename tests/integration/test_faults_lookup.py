"""Each fault through a lookup: what is served, what is kept, how often was asked, how long, why."""

import time
from collections.abc import Iterator

import pytest

from tests.integration.fault_stage import IDS, Stage, staged
from tests.integration.fault_table import (
    COLD,
    FAULTS,
    HANG_SECONDS,
    HEALTHY,
    LOGIN,
    QUICK_SECONDS,
    Fault,
)

PASSING = [one for one in FAULTS if one.name not in {"locked", "401", "token-error"}]
"""The others are held by the latch, or by the pause between logins: those have tests."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("f")) as running:
        yield running


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.name)
def test_a_lookup(stage: Stage, fault: Fault) -> None:
    stage.settle()
    fault.strike(stage.server, fault.client)
    stage.server.clear_requests()
    began = time.monotonic()
    answer = stage.chain.look_up(IDS[fault.name, COLD])
    took = time.monotonic() - began
    asked = stage.requests(fault), stage.requests(fault, LOGIN)

    assert answer.status == fault.code
    if fault.served:
        assert answer.body == f"cold {fault.name}".encode()
    else:
        assert fault.words in answer.reason
    assert asked == (fault.lookup, fault.logins)
    if fault.hangs:
        assert HANG_SECONDS <= took < HANG_SECONDS + QUICK_SECONDS
    else:
        assert took < QUICK_SECONDS
    stage.assert_kept(fault)
    assert stage.requests(fault) == fault.lookup, "what is kept costs nothing"


@pytest.mark.parametrize("fault", PASSING, ids=lambda one: one.name)
def test_the_next_lookup_is_served_when_the_fault_is_over(stage: Stage, fault: Fault) -> None:
    stage.settle()
    answer = stage.chain.look_up(IDS[fault.name, COLD])
    assert (answer.status, answer.body) == (200, f"cold {fault.name}".encode())


def test_another_identity_is_served_while_all_others_fail(stage: Stage) -> None:
    stage.settle()
    for fault in FAULTS:
        if not fault.served and fault.name not in {"locked", "429-told"}:
            fault.strike(stage.server, fault.client)
    answer = stage.chain.look_up(IDS[HEALTHY.name, COLD])
    assert (answer.status, answer.body) == (200, b"cold healthy")
    stage.settle()
