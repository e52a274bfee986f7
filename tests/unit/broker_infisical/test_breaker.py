"""The circuit breaker: when it opens, what it lets through, and how it comes back."""

import asyncio

import pytest

from psi.broker.breaker import Breaker
from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.processes import Process
from tests.unit.broker_infisical.breaker_scene import Away, Scene, fault, scenario, until
from tests.unit.broker_infisical.setting import HandClock, failure_of


def test_it_stays_closed_while_all_is_well() -> None:
    async def work(scene: Scene) -> None:
        scene.heal()
        assert await scene.ask() == b"value"
        scene.clock.advance(100)
        assert not scene.breaker.is_open

    scenario(work)


def test_it_opens_after_ten_seconds_of_failures_and_not_before() -> None:
    async def work(scene: Scene) -> None:
        await failure_of(scene.ask())
        scene.clock.advance(9.9)
        assert not scene.breaker.is_open
        scene.clock.advance(0.2)
        assert scene.breaker.is_open

    scenario(work, breaker_probe_seconds=1000)


def test_while_it_is_open_a_miss_fails_at_once_with_its_cause_and_sends_nothing() -> None:
    async def work(scene: Scene) -> None:
        await scene.open()
        before = scene.upstream.calls
        for _ in range(100):
            error = await failure_of(scene.ask())
            assert error.kind is Kind.TRANSPORT
            words = "Infisical is away, not seen since the broker's start: because of the test"
            assert str(error) == words
        assert scene.upstream.calls == before

    scenario(work, breaker_probe_seconds=1000)


def test_half_open_it_sends_one_request_at_a_time() -> None:
    async def work(scene: Scene) -> None:
        scene.prober.gate = asyncio.Event()
        await scene.open()
        await asyncio.gather(*(failure_of(scene.ask()) for _ in range(50)))
        await until(lambda: scene.prober.calls == 1)
        await asyncio.sleep(0.05)  # fifty probe intervals
        assert scene.prober.calls == 1
        scene.prober.gate.set()
        await until(lambda: scene.prober.calls >= 5)
        assert scene.prober.most == 1

    scenario(work)


def test_a_probe_that_succeeds_closes_it() -> None:
    async def work(scene: Scene) -> None:
        await scene.open()
        scene.heal()
        await until(lambda: not scene.breaker.is_open)
        assert await scene.ask() == b"value"

    scenario(work)


@pytest.mark.parametrize("kind", [Kind.REFUSED, Kind.ABSENT, Kind.FOREIGN, Kind.LIMITED])
def test_an_answer_of_any_kind_closes_it(kind: Kind) -> None:
    async def work(scene: Scene) -> None:
        await scene.open()
        scene.prober.error = fault(kind)
        await until(lambda: not scene.breaker.is_open)

    scenario(work)


def test_a_refusal_of_this_host_is_no_answer() -> None:
    async def work(scene: Scene) -> None:
        await scene.open()
        scene.prober.error = UpstreamError(Kind.REFUSED, "a latched credential")
        before = scene.prober.calls
        await until(lambda: scene.prober.calls > before + 2)
        assert scene.breaker.is_open

    scenario(work)


@pytest.mark.parametrize("draw", [0.0, 1.0])
def test_probes_are_a_quarter_early_or_late_at_most(draw: float) -> None:
    limits, clock = Limits(breaker_probe_seconds=4), HandClock()
    breaker = Breaker(Away(), limits, clock, Log(Process.BROKER), draw=lambda: draw)
    assert breaker._pause() == 4 * (0.75 + draw / 2)


def test_a_time_that_an_overloaded_server_names_is_kept_by_probes_and_lookups() -> None:
    async def work(scene: Scene) -> None:
        scene.upstream.error = fault(retry_after=30)
        await failure_of(scene.ask())
        assert scene.breaker.is_open, "before its ten seconds"
        assert scene.breaker._pause() == 30
        before = scene.upstream.calls
        await failure_of(scene.ask())
        assert scene.upstream.calls == before

    scenario(work)


def test_a_rate_limit_with_a_time_holds_lookups_until_then() -> None:
    async def work(scene: Scene) -> None:
        scene.upstream.error = fault(Kind.LIMITED, 30)
        await failure_of(scene.ask())
        scene.heal()
        error = await failure_of(scene.ask())
        assert (error.kind, scene.upstream.calls) == (Kind.LIMITED, 1)
        assert str(error) == "Infisical's rate limit is reached; it may be asked again in 30 s"
        scene.clock.advance(30)
        assert await scene.ask() == b"value"

    scenario(work)


def test_no_server_may_silence_it_for_more_than_a_minute() -> None:
    async def work(scene: Scene) -> None:
        scene.upstream.error = fault(Kind.LIMITED, 3600)
        await failure_of(scene.ask())
        scene.heal()
        scene.clock.advance(60)
        assert await scene.ask() == b"value"

    scenario(work)


def test_a_limited_login_holds_nobody_who_has_a_token() -> None:
    async def work(scene: Scene) -> None:
        scene.upstream.error = fault(Kind.LIMITED, 30)
        scene.upstream.error.login = True
        await failure_of(scene.ask())
        scene.heal()
        assert await scene.ask() == b"value"

    scenario(work)


def test_close_ends_the_probing() -> None:
    async def work(scene: Scene) -> None:
        await scene.open()
        await scene.breaker.close()
        before = scene.prober.calls
        await asyncio.sleep(0.02)  # twenty probe intervals
        assert scene.prober.calls == before

    scenario(work)
