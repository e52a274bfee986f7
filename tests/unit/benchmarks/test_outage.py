"""What an outage may cost a lookup, as the goals have it."""

import msgspec
import pytest

from benchmarks.loadgen import Sample
from benchmarks.outage import Outage

SOUND = Sample(
    requests=1000, errors=0, bad_status=0, wrong_value=0, truncated=0, transport=0, timeouts=0,
    connect_retries=0, seconds=1.0, throughput=1000.0, p50=100.0, p99=1000.0, max=2000.0,
    client_cpu=0.1,
)  # fmt: skip


def runs(*p99s: float) -> list[Sample]:
    return [msgspec.structs.replace(SOUND, p99=p99) for p99 in p99s]


@pytest.mark.parametrize(("during", "met"), [(2000.0, True), (2001.0, False)])
def test_cached_lookups_may_take_twice_as_long(during: float, met: bool) -> None:  # noqa: FBT001  # a table row
    cached, miss, failed = Outage(runs(1000.0), runs(during), [0.001]).verdicts()
    assert cached.passed is met
    assert (miss.passed, failed.passed) == (True, True)


def test_the_median_run_decides() -> None:
    cached, _, _ = Outage(runs(1000.0), runs(900.0, 1000.0, 9000.0), [0.001]).verdicts()
    assert cached.measured == 1.0


@pytest.mark.parametrize(("seconds", "met"), [(0.05, True), (0.051, False)])
def test_a_miss_may_take_50_ms(seconds: float, met: bool) -> None:  # noqa: FBT001  # a table row
    _, miss, _ = Outage(runs(1.0), runs(1.0), [seconds] * 100).verdicts()
    assert miss.passed is met


def test_one_slow_miss_in_a_hundred_does_not_decide() -> None:
    _, miss, _ = Outage(runs(1.0), runs(1.0), [0.001] * 99 + [1.0]).verdicts()
    assert miss.passed


def test_one_cached_lookup_that_fails_decides() -> None:
    bad = [msgspec.structs.replace(SOUND, errors=1)]
    assert not Outage(runs(1.0), bad, [0.001]).verdicts()[2].passed
