"""The breaker: patient in the boot grace, at once after it, and never shut for good (r25)."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from psi.broker.breaker import Breaker
from psi.broker.infisical.listing import Listing
from psi.broker.infisical.outcome import Kind, UpstreamError, foreign
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.processes import Process
from tests.unit.broker_cache.rig import HandClock, until
from tests.unit.broker_refresh.rig import DENIED, OUTAGE, Upstream, genuine, run, strange

QUICK = Limits(breaker_open_seconds=10, breaker_probe_seconds=0.005, boot_grace_seconds=60)
SEEN = 1_700_000_000.0
"""2023-11-14 22:13 UTC."""


class Rig:
    def __init__(self, limits: Limits, seen: float) -> None:
        self.upstream = Upstream()
        self.clock = HandClock()
        log = Log(Process.BROKER)
        self.breaker = Breaker(self.upstream, limits, self.clock, log, lambda: seen)

    def fail(self, error: UpstreamError = OUTAGE) -> None:
        self.upstream.folders["one", "/app"] = error

    def recover(self) -> None:
        self.upstream.folders["one", "/app"] = {"A": b"a"}

    async def ask(self) -> Listing:
        return await self.breaker.list_folder("one", None, "/app", recursive=False)

    async def error(self) -> UpstreamError:
        with pytest.raises(UpstreamError) as caught:
            await self.ask()
        return caught.value

    async def open(self) -> None:
        """Have it open, past the boot grace."""
        self.clock.advance(61)
        self.fail()
        await self.error()
        self.clock.advance(10)
        assert self.breaker.is_open


@asynccontextmanager
async def rig(limits: Limits = QUICK, seen: float = 0.0) -> AsyncIterator[Rig]:
    made = Rig(limits, seen)
    try:
        yield made
    finally:
        await made.breaker.close()


def test_a_good_answer_passes() -> None:
    async def scenario() -> None:
        async with rig() as made:
            made.recover()
            assert [entry.key for entry in (await made.ask()).entries] == ["A"]
            secret = await made.breaker.get_secret("one", None, "/app", "A")
            assert secret.reveal() == b"a"
            assert not made.breaker.is_open

    run(scenario())


def test_a_first_lookup_before_the_network_is_up_waits_and_succeeds() -> None:
    async def scenario() -> None:
        async with rig() as made:
            made.fail()
            asking = asyncio.create_task(made.ask())
            await until(lambda: len(made.upstream.listed) > 3)
            assert not asking.done()
            made.recover()
            assert [entry.key for entry in (await asking).entries] == ["A"]

    run(scenario())


def test_lookups_wait_in_the_grace_with_the_breaker_open_too() -> None:
    async def scenario() -> None:
        async with rig() as made:
            made.fail()
            first = asyncio.create_task(made.ask())
            await until(lambda: made.upstream.listed)
            made.clock.advance(11)
            assert made.breaker.is_open
            later = [asyncio.create_task(made.ask()) for _ in range(40)]
            await until(lambda: len(made.upstream.listed) > 3)
            made.recover()
            for each in [first, *later]:
                assert (await each).entries

    run(scenario())


def test_the_grace_ends_a_wait_with_the_cause() -> None:
    async def scenario() -> None:
        limits = msgspec.structs.replace(QUICK, boot_grace_seconds=0.05)
        async with rig(limits, SEEN) as made:
            made.fail()
            error = await made.error()
            assert error.detail == (
                "Infisical is away, last seen 2023-11-14 22:13 UTC: the connection is refused"
            )

    run(scenario())


def test_a_wait_in_the_grace_ends_before_the_lookup_does() -> None:
    async def scenario() -> None:
        limits = msgspec.structs.replace(QUICK, miss_seconds=0.05)
        async with rig(limits) as made:
            made.fail()
            assert "the connection is refused" in (await made.error()).detail

    run(scenario())


def test_after_the_grace_a_failure_is_told_at_once_by_its_own_words() -> None:
    async def scenario() -> None:
        async with rig() as made:
            made.clock.advance(61)
            made.fail()
            assert (await made.error()) is OUTAGE
            assert not made.breaker.is_open, "not yet: it failed just now"

    run(scenario())


def test_open_it_fails_at_once_and_asks_nobody() -> None:
    async def scenario() -> None:
        limits = msgspec.structs.replace(QUICK, breaker_probe_seconds=3600)
        async with rig(limits, SEEN) as made:
            await made.open()
            asked = len(made.upstream.listed)
            begun = time.perf_counter()
            for _ in range(100):
                error = await made.error()
            assert time.perf_counter() - begun < 100 * 0.05
            assert len(made.upstream.listed) == asked
            assert error.kind is Kind.TRANSPORT
            assert "last seen 2023-11-14 22:13 UTC: the connection is refused" in error.detail

    run(scenario())


def test_failures_of_less_than_ten_seconds_do_not_open_it() -> None:
    async def scenario() -> None:
        limits = msgspec.structs.replace(QUICK, breaker_probe_seconds=3600)
        async with rig(limits) as made:
            made.clock.advance(61)
            made.fail()
            await made.error()
            made.clock.advance(9)
            await made.error()
            assert len(made.upstream.listed) == 2
            made.recover()
            await made.ask()
            made.clock.advance(60)
            assert not made.breaker.is_open

    run(scenario())


def test_a_probe_in_the_background_closes_it() -> None:
    async def scenario() -> None:
        async with rig() as made:
            await made.open()
            made.recover()
            await until(lambda: not made.breaker.is_open)
            assert (await made.ask()).entries

    run(scenario())


def test_since_a_good_answer_that_is_when_it_was_seen() -> None:
    async def scenario() -> None:
        async with rig(seen=SEEN) as made:
            made.clock.wall_now = SEEN + 86_400
            made.recover()
            await made.ask()
            await made.open()
            assert "last seen 2023-11-15 22:13 UTC" in (await made.error()).detail

    run(scenario())


def test_where_nothing_is_known_it_says_so() -> None:
    async def scenario() -> None:
        async with rig() as made:
            await made.open()
            assert "not seen since the broker's start" in (await made.error()).detail

    run(scenario())


@pytest.mark.parametrize("seen", [float("nan"), float("inf"), 1e30, -1e30])
def test_a_time_that_is_none_is_not_shown(seen: float) -> None:
    async def scenario() -> None:
        async with rig(seen=seen) as made:
            await made.open()
            assert "not seen since" in (await made.error()).detail

    run(scenario())


def test_a_refusal_by_infisical_is_an_answer() -> None:
    async def scenario() -> None:
        async with rig() as made:
            await made.open()
            made.fail(DENIED)
            await until(lambda: not made.breaker.is_open)
            assert (await made.error()) is DENIED

    run(scenario())


def test_a_folder_that_infisical_fails_at_costs_no_other() -> None:
    """A 500 of one folder is an answer, in the boot grace and later; a 502 is a proxy's word."""

    async def scenario() -> None:
        async with rig() as made:
            made.upstream.folders["one", "/other"] = {"B": b"b"}
            made.fail(genuine(500, "InternalServerError"))
            for _ in range(20):
                assert (await made.error()).status == 500
                made.clock.advance(10)
            assert not made.breaker.is_open
            assert (await made.breaker.list_folder("one", None, "/other", recursive=False)).entries
            made.fail(strange(502))
            await made.error()
            made.clock.advance(10)
            assert made.breaker.is_open

    run(scenario())


def test_a_refusal_on_this_host_is_no_sign_of_infisical() -> None:
    """A latched credential is refused without a request; the outage goes on."""

    async def scenario() -> None:
        local = UpstreamError(Kind.REFUSED, "the credential was refused before")
        async with rig(seen=SEEN) as made:
            await made.open()
            made.fail(local)
            asked = len(made.upstream.listed)
            await until(lambda: len(made.upstream.listed) > asked + 3)
            assert made.breaker.is_open
            assert "last seen 2023-11-14 22:13" in (await made.error()).detail

    run(scenario())


def test_what_is_not_infisical_is_no_outage_and_not_infisical_seen() -> None:
    async def scenario() -> None:
        async with rig(seen=SEEN) as made:
            made.fail(foreign("HTML", 200))
            assert (await made.error()).kind is Kind.FOREIGN, "not waited for, in the grace either"
            await made.open()
            assert "last seen 2023-11-14 22:13" in (await made.error()).detail

    run(scenario())


def test_a_probe_that_fails_in_another_way_does_not_leave_it_open() -> None:
    async def scenario() -> None:
        async with rig() as made:
            await made.open()
            made.upstream.folders["one", "/app"] = _Fault()  # type: ignore[assignment]  # on purpose
            await until(lambda: made.breaker._prober is None or made.breaker._prober.done())
            made.recover()
            await made.error()  # it is noticed by who asks
            await until(lambda: not made.breaker.is_open)
            assert (await made.ask()).entries

    run(scenario())


class _Fault:
    """A folder whose listing is a defect of the client."""

    def items(self) -> None:
        raise RuntimeError("a defect")
