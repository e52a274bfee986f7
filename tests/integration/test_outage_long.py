"""An outage of ten minutes, all constants divided by twenty, under fifty lookups a second.

Infisical first hangs, then answers 503, then is gone, then comes back. What is cached is served
as if nothing were; what is not fails at once; and the server that returns is not overrun.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import pytest

from psi.shared.limits import Limits
from psi.shared.projection import Source
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed
from tests.integration.outage_load import Load, Sample, load, look_up, percentile
from tests.unit.broker.chain import (
    CLIENT_ID,
    CLIENT_SECRET,
    LOGINS,
    PROJECT_ID,
    Chain,
    mapping,
    running,
    secret_id,
    workload,
)
from tests.unit.frontend.waiting import until

SCALE = 20
SECOND = 1 / SCALE
"""A second of the story."""
USUAL = Limits()
LIMITS: dict[str, float] = {
    name: getattr(USUAL, name) / SCALE
    for name in (
        "lookup_seconds", "degraded_lookup_seconds", "breaker_open_seconds",
        "breaker_probe_seconds", "boot_grace_seconds", "upstream_seconds",
        "upstream_connect_seconds", "miss_seconds", "retry_delay_seconds", "retry_cap_seconds",
        "retry_patience_seconds", "retry_after_seconds", "listing_seconds",
    )
} | {"ping_seconds": USUAL.ping_seconds, "lookup_seconds": USUAL.lookup_seconds / 2}  # fmt: skip
"""The frontend's own are left longer: that a busy machine is slow is not what is tested."""
ANSWERS = "/api/v[34]/secrets"
CACHED = [secret_id(number) for number in range(16)]
COLD = [secret_id(100 + number) for number in range(4)]
STORM = [one for number in range(4) for one in (*CACHED[number * 4 : number * 4 + 4], COLD[number])]
"""Four cached to one miss."""
AT_ONCE = 0.25
"""Seconds for what waits for nobody, on a busy machine: an upstream's deadline is four times it."""


def cold_folder(number: int) -> str:
    return f"/cold{number}"


def outage_seed() -> Seed:
    project = ProjectSeed(PROJECT_ID, "myproject")
    for number in range(len(CACHED)):
        project.secret("prod", "/myapp", f"KEY_{number}", f"cached {number}")
    for number in range(len(COLD)):
        project.secret("prod", cold_folder(number), "KEY", f"cold {number}")
    return Seed([IdentitySeed(CLIENT_ID, CLIENT_SECRET, role="viewer")], [project])


@dataclass
class Told:
    """What was seen of one outage; times are of the monotonic clock."""

    normal: list[Sample]
    outage: list[Sample]
    began: float
    opened: float
    ended: float
    recovery: float
    while_away: list[float]
    """When the server got requests after the breaker had opened, by its own clock."""
    after: list[str]
    """Paths that the returned server was asked for, in order, until all was well."""
    logins: int


def is_cached(sample: Sample) -> bool:
    return sample.secret_id in CACHED


@contextmanager
def started(chain: Chain) -> Iterator[Load]:
    for number, one in enumerate(CACHED):
        assert chain.store(one, mapping(f"KEY_{number}")).status == 200
    for number, one in enumerate(COLD):
        assert chain.store(one, mapping("KEY", cold_folder(number))).status == 200
    assert all(chain.look_up(one).status == 200 for one in CACHED)
    with load(chain, CACHED) as normal:
        wait(60 * SECOND)  # the boot grace, in which a miss would wait
    with load(chain, STORM) as storm:
        storm.futures[:0] = normal.futures
        yield storm


def wait(seconds: float) -> None:
    """Let the story go on."""
    end = time.monotonic() + seconds
    until(lambda: time.monotonic() >= end, "time goes by", seconds + 10)


def is_open(chain: Chain) -> bool:
    return "Infisical is away" in chain.look_up(COLD[0]).reason


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    paths = ["/myapp", *(cold_folder(number) for number in range(len(COLD)))]
    workloads = {"myapp": workload(*(Source(project="myproject", path=path) for path in paths))}
    root = tmp_path_factory.mktemp("o")
    with running(root, outage_seed(), limits=LIMITS, workloads=workloads) as chain:
        server = chain.infisical
        with started(chain) as storm:
            began = time.monotonic()
            server.fault("hang_before_headers", ANSWERS, times=14)  # for some 8 s
            server.fault("status", ANSWERS, status=503)
            until(lambda: is_open(chain), "the breaker opens")
            opened = time.monotonic()
            wait(20 * SECOND)  # what was under way before it opened has ended
            server.clear_requests()
            wait(380 * SECOND)
            while_away = [float(one["time"]) for one in server.requests(ANSWERS)]
            server.stop()
            wait(200 * SECOND)
            server.start()
            ended = time.monotonic()
            until(lambda: look_up(chain, COLD[0]).status == 200, "a miss is served")
            recovery = time.monotonic() - ended
            wait(20 * SECOND)
            after = [one["path"] for one in server.requests()]
            logins = server.count(LOGINS)
        samples = storm.samples()
        yield Told(
            normal=[one for one in samples if one.began < began],
            outage=[one for one in samples if opened <= one.began < ended],
            began=began,
            opened=opened,
            ended=ended,
            recovery=recovery,
            while_away=while_away,
            after=after,
            logins=logins,
        )


def test_it_is_as_long_and_as_busy_as_it_says(told: Told) -> None:
    assert told.ended - told.began >= 600 * SECOND
    assert len(told.outage) >= 0.9 * 50 * (told.ended - told.opened)


def test_it_opens_within_what_the_first_failures_take(told: Told) -> None:
    longest = USUAL.upstream_seconds + USUAL.breaker_open_seconds
    assert told.opened - told.began < longest * SECOND + 1


def test_no_cached_lookup_fails(told: Told) -> None:
    cached = [one for one in told.outage if is_cached(one)]
    assert {(one.status, one.body[:7]) for one in cached} == {(200, b"cached ")}


def test_no_cached_lookup_waits_for_infisical(told: Told) -> None:
    cached = [one for one in told.outage if is_cached(one)]
    assert percentile(cached, 0.99) < AT_ONCE


def test_misses_fail_at_once_with_their_cause(told: Told) -> None:
    misses = [one for one in told.outage if not is_cached(one)]
    assert {one.status for one in misses} == {503}
    assert percentile(misses, 0.99) < AT_ONCE


def test_half_open_there_is_at_most_one_request_a_second(told: Told) -> None:
    gaps = [later - sooner for sooner, later in pairwise(told.while_away)]
    assert len(told.while_away) >= 40, "it keeps asking"
    assert min(gaps) >= SECOND


def test_the_return_is_noticed_within_five_seconds(told: Told) -> None:
    late = max(one.seconds for one in told.outage if is_cached(one))
    assert told.recovery <= 5 * SECOND + late, "beyond what this busy machine costs a cached lookup"


def test_the_server_that_returns_is_not_overrun(told: Told) -> None:
    assert len(told.after) <= 1 + len(COLD), "a probe, and one listing for each cold folder"
    assert told.logins == 0
