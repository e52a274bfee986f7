"""Infisical gone, everything restarted: 400 secrets come from the cache, no device is asked."""

import time
from collections.abc import Iterator

import pytest

from psi.shared.messages.base import Refused
from psi.shared.messages.broker_cache import (
    Invalidate,
    InvalidateReply,
    Refresh,
    RefreshReply,
)
from tests.fakes.sealer_stub.host import Host, host, secret_id, seed, wait_for
from tests.unit.frontend.exchange import ask

COUNT = 400
LOADED = 10_000
AT_ONCE_SECONDS = 0.05
LOAD_SECONDS = 1.0
LENIENCE = 10
"""On a loaded machine; ``make bench`` holds the bounds themselves."""
LIMITS = {
    "cache_write_seconds": 0.02,
    "boot_grace_seconds": 0.01,
    "breaker_open_seconds": 0.05,
    "withdrawal_seconds": 0.001,
}


def values(count: int) -> dict[str, str]:
    return {f"KEY_{number}": f"value {number} ".ljust(100, "x") for number in range(count)}


@pytest.fixture(scope="module")
def away() -> Iterator[Host]:
    """Fill, stop everything, take Infisical away, start again."""
    with host(seed(values(COUNT)), limits=LIMITS) as running:
        for number in range(COUNT):
            running.map(number, f"KEY_{number}")
        running.map(COUNT, "NEVER_SEEN", "/elsewhere")
        running.start()
        assert running.look_up([secret_id(0)]) == ["value 0 ".ljust(100, "x").encode()]
        running.written()
        running.stop()
        running.infisical.kill()
        running.start()
        yield running


def test_all_are_answered_and_neither_infisical_nor_device_is_asked(away: Host) -> None:
    before = away.device().device_calls
    expected = [text.encode() for text in values(COUNT).values()]
    assert away.look_up(secret_id(number) for number in range(COUNT)) == expected
    for number in (0, COUNT - 1):
        answer = ask(away.http, "GET", f"/lookup/{secret_id(number)}")
        assert (answer.status, answer.body) == (200, expected[number])
    assert away.device().device_calls == before
    assert "infisical.away" not in away.broker.text()


def test_what_is_not_cached_fails_at_once_and_names_the_outage_and_when(away: Host) -> None:
    missing = secret_id(COUNT)

    def opened() -> str:
        (reply,) = away.look_up([missing])
        assert isinstance(reply, Refused)
        return reply.detail

    wait_for(opened, lambda detail: detail.startswith("Infisical is away"))
    begun = time.perf_counter()
    answer = ask(away.http, "GET", f"/lookup/{missing}")
    assert time.perf_counter() - begun < LENIENCE * AT_ONCE_SECONDS
    assert answer.status == 503
    day = time.strftime("%Y-%m-%d", time.gmtime(away.cache().written_at))
    assert f"Infisical is away, last seen {day} " in answer.reason
    assert " UTC: " in answer.reason
    assert "refuses the connection" in answer.reason


def test_cached_lookups_never_wait_for_those_that_are_not(away: Host) -> None:
    begun = time.perf_counter()
    for _ in range(20):
        away.look_up([secret_id(COUNT)])
        assert away.look_up([secret_id(7)]) == [values(8)["KEY_7"].encode()]
    assert time.perf_counter() - begun < 20 * LENIENCE * AT_ONCE_SECONDS


def test_a_refresh_during_the_outage_says_so_and_loses_nothing(away: Host) -> None:
    (reply,) = away.ask("broker", Refresh(confirm=True))
    assert isinstance(reply, RefreshReply)
    assert (reply.sources, reply.failed, reply.withdrawn) == (1, 1, 0)
    assert reply.findings[0].kind == "refused"
    assert away.cache().entries == COUNT


def test_ten_thousand_entries_are_loaded_in_a_second() -> None:
    with host(seed(values(LOADED)), limits=LIMITS) as running:
        known = running.map(1, "KEY_1")
        running.start()
        running.look_up([known])
        assert running.written().entries == LOADED
        running.broker.stop()
        begun = time.perf_counter()
        running.broker.start()
        assert time.perf_counter() - begun < LENIENCE * LOAD_SECONDS
        status = running.cache(verify=True)
        assert (status.entries, status.verified) == (LOADED, LOADED)


def test_removals_are_on_disk_when_they_are_acknowledged() -> None:
    """Also with a kill right after it; also with all of them."""
    with host(seed(values(3)), limits={**LIMITS, "cache_write_seconds": 3600}) as running:
        ids = [running.map(number, f"KEY_{number}") for number in range(3)]
        running.start()
        running.look_up(ids)
        for request, left in ((Invalidate(secret_id=ids[0]), 2), (Invalidate(everything=True), 0)):
            (reply,) = running.ask("broker", request)
            assert isinstance(reply, InvalidateReply)
            assert reply.dropped > 0
            running.broker.kill()
            running.broker.start()
            assert running.cache(verify=True).verified == left


def test_a_secret_that_is_gone_is_withdrawn_audited_and_gone_from_the_disk() -> None:
    with host(seed(values(3)), limits=LIMITS) as running:
        known = running.map(0, "KEY_0")
        running.start()
        running.look_up([known])
        running.infisical.set_secret("myproject", "prod", "/myapp", "KEY_0", None)
        replies = running.ask("broker", Refresh(), Refresh())
        assert [reply.withdrawn for reply in replies if isinstance(reply, RefreshReply)] == [0, 1]
        assert "secret-withdrawn secret=myproject:/myapp#KEY_0" in running.broker.text()
        running.broker.kill()
        running.broker.start()
        assert running.cache().entries == 2
        (reply,) = running.look_up([known])
        assert isinstance(reply, Refused)
        assert reply.code == "absent"
