"""When a GET is repeated, decided without a server: pauses, their bounds, and when to give up."""

import asyncio

import pytest

from psi.broker.infisical.outcome import Kind, Repeat, UpstreamError
from psi.broker.infisical.retry import ONE_TRY, Patience, Retry
from psi.shared.limits import Limits

LIMITS = Limits(retry_delay_seconds=1, retry_cap_seconds=3)
PATIENT = Patience(attempts=6, seconds=1000)


def fault(repeat: Repeat, retry_after: float | None = None) -> UpstreamError:
    error = UpstreamError(Kind.TRANSPORT, "because")
    error.repeat, error.retry_after = repeat, retry_after
    return error


class Scene:
    """Asks that fail as a list says, then succeed; pauses are noted and not waited."""

    def __init__(self, *faults: UpstreamError, draw: float = 1.0) -> None:
        self.faults = list(faults)
        self.pauses: list[float] = []
        self.asked = 0
        self.retry = Retry(LIMITS, draw=lambda: draw, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def ask(self) -> str:
        self.asked += 1
        if self.faults:
            raise self.faults.pop(0)
        return "value"

    def run(self, patience: Patience = PATIENT) -> str:
        return asyncio.run(self.retry.run(self.ask, patience))


def later(count: int, retry_after: float | None = None) -> list[UpstreamError]:
    return [fault(Repeat.LATER, retry_after) for _ in range(count)]


def test_what_succeeds_is_asked_once() -> None:
    scene = Scene()
    assert (scene.run(), scene.asked, scene.pauses) == ("value", 1, [])


def test_the_bound_of_a_pause_doubles_up_to_its_cap() -> None:
    scene = Scene(*later(5))
    assert scene.run() == "value"
    assert scene.pauses == [1, 2, 3, 3, 3]


@pytest.mark.parametrize("draw", [0.0, 0.25, 1.0])
def test_chance_picks_anything_below_the_bound(draw: float) -> None:
    scene = Scene(*later(2), draw=draw)
    assert scene.run() == "value"
    assert scene.pauses == [draw, 2 * draw]


def test_what_the_server_asks_for_is_never_undercut() -> None:
    scene = Scene(*later(1, retry_after=7), draw=0.0)
    assert scene.run() == "value"
    assert scene.pauses == [7]


def test_hosts_that_were_told_the_same_time_do_not_come_back_together() -> None:
    scene = Scene(*later(1, retry_after=7), draw=0.5)
    assert scene.run() == "value"
    assert scene.pauses == [7.5]


def test_after_the_last_attempt_its_error_is_raised() -> None:
    scene = Scene(*later(9))
    with pytest.raises(UpstreamError):
        scene.run(Patience(attempts=3, seconds=1000))
    assert (scene.asked, len(scene.pauses)) == (3, 2)


def test_an_answer_is_not_repeated() -> None:
    scene = Scene(fault(Repeat.NO))
    with pytest.raises(UpstreamError):
        scene.run()
    assert scene.asked == 1


def test_a_500_is_repeated_once() -> None:
    scene = Scene(fault(Repeat.ONCE))
    assert (scene.run(), scene.asked) == ("value", 2)


def test_a_500_is_not_repeated_twice_even_with_another_fault_between() -> None:
    scene = Scene(fault(Repeat.ONCE), fault(Repeat.LATER), fault(Repeat.ONCE))
    with pytest.raises(UpstreamError):
        scene.run()
    assert scene.asked == 3


def test_a_kept_connection_that_died_is_replaced_at_once() -> None:
    scene = Scene(fault(Repeat.AT_ONCE))
    assert (scene.run(), scene.pauses) == ("value", [0.0])


def test_a_second_connection_that_dies_is_waited_for() -> None:
    scene = Scene(fault(Repeat.AT_ONCE), fault(Repeat.AT_ONCE))
    assert (scene.run(), scene.pauses) == ("value", [0.0, 2])


def test_a_pause_beyond_the_patience_is_not_begun() -> None:
    scene = Scene(*later(1, retry_after=60))
    with pytest.raises(UpstreamError):
        scene.run(Patience(attempts=6, seconds=8))
    assert (scene.asked, scene.pauses) == (1, [])


def test_a_probe_is_one_request() -> None:
    scene = Scene(*later(1))
    with pytest.raises(UpstreamError):
        scene.run(ONE_TRY)
    assert scene.asked == 1


def test_a_lookups_patience_and_one_exchange_are_within_a_miss() -> None:
    limits = Limits()
    assert limits.retry_patience_seconds + limits.upstream_seconds <= limits.miss_seconds


def test_a_refreshs_patience_and_one_exchange_are_within_a_control_request() -> None:
    limits = Limits()
    assert limits.refresh_patience_seconds + limits.upstream_seconds <= limits.control_seconds


def test_a_rate_limits_window_is_within_a_refreshs_patience() -> None:
    limits = Limits()
    assert limits.retry_after_seconds < limits.refresh_patience_seconds
