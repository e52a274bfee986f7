"""All faults at once through one refresh: each source keeps what it had and says why."""

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from psi.shared.messages.broker_cache import RefreshReply
from tests.integration.fault_stage import EVERYONE, Stage, staged
from tests.integration.fault_table import (
    COLD,
    FAULTS,
    HANG_SECONDS,
    HEALTHY,
    LOGIN,
    QUICK_SECONDS,
    WARM,
    Fault,
)

SERVED = sum(one.served for one in EVERYONE)


@dataclass
class Struck:
    """One refresh with every fault in force."""

    stage: Stage
    reply: RefreshReply
    findings: dict[str, str]
    seconds: float
    requests: dict[str, tuple[int, int]]


@pytest.fixture(scope="module")
def struck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Struck]:
    with staged(tmp_path_factory.mktemp("f")) as stage:
        for fault in FAULTS:
            fault.strike(stage.server, fault.client)
        stage.server.clear_requests()
        began = time.monotonic()
        pages = stage.refresh_pages()
        seconds = time.monotonic() - began
        requests = {one.name: (stage.requests(one), stage.requests(one, LOGIN)) for one in EVERYONE}
        findings: dict[str, str] = defaultdict(str)
        for one in (one for page in pages for one in page.findings):
            findings[one.subject] += one.detail
        yield Struck(stage, pages[0], findings, seconds, requests)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.name)
def test_a_source(struck: Struck, fault: Fault) -> None:
    secrets, logins = struck.requests[fault.name]
    assert secrets in fault.refresh
    assert logins == fault.logins
    struck.stage.assert_kept(fault)
    for path in (WARM, COLD):
        said = struck.findings.get(f"{fault.name}:{path}", "")
        assert (said == "") if fault.served else (fault.words in said)
    assert struck.stage.requests(fault) == secrets, "what is kept is served without asking"


def test_one_sources_failure_loses_no_other(struck: Struck) -> None:
    reply = struck.reply
    assert (reply.sources, reply.failed) == (2 * len(EVERYONE), 2 * (len(EVERYONE) - SERVED))
    assert (reply.added, reply.unchanged) == (SERVED, SERVED)
    assert not [said for said in struck.findings if said.startswith(f"{HEALTHY.name}:")]


def test_nothing_is_withdrawn_or_changed(struck: Struck) -> None:
    reply = struck.reply
    assert (reply.withdrawn, reply.withdrawing, reply.changed) == (0, 0, 0)


def test_it_takes_as_long_as_what_hangs_and_no_longer(struck: Struck) -> None:
    assert HANG_SECONDS <= struck.seconds < HANG_SECONDS + 2 * QUICK_SECONDS
