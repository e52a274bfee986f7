"""Values: from memory, else a folder at a time, within a deadline."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from psi.broker.cache import MemoryCache, NoCache
from psi.broker.infisical.clock import SystemClock
from psi.broker.infisical.listing import Listing
from psi.broker.infisical.outcome import Kind
from psi.broker.mapping import Coordinate
from psi.broker.policy import Policy
from psi.broker.values import Values
from psi.shared.errors import Refusal
from psi.shared.limits import Limits
from psi.shared.messages.broker import BrokerError
from psi.shared.projection import Coordinate as Allowed
from psi.shared.projection import Source
from tests.unit.broker.chain import projection, workload
from tests.unit.broker.no_sealed import no_sealed_secrets
from tests.unit.broker.upstream import FakeUpstream, entry, failure
from tests.unit.broker.waiting import run

KEYS = {f"KEY_{number}": f"value {number}".encode() for number in range(40)}


def at(key: str, path: str = "/myapp", project: str = "myproject") -> Coordinate:
    return Coordinate(project, path, key)


class Scene:
    """Values over a fake Infisical."""

    def __init__(self, cache: str = "memory", **limits: Any) -> None:
        self.upstream = FakeUpstream({"/myapp": dict(KEYS), "/other": {"K": b"other"}})
        sources = [Source(project="myproject", path="/myapp")]
        given = projection(
            "http://x",
            Path("/"),
            workloads={"w": workload(*sources)},
            allow=[
                Allowed(project="myproject", path="/other", key="K"),
                Allowed(project="nowhere", path="/", key="K"),
            ],
        )
        self.cache = MemoryCache(SystemClock()) if cache == "memory" else NoCache()
        self.values = Values(
            given.infisical.projects,
            Policy(given),
            self.cache,
            self.upstream,
            no_sealed_secrets(),
            msgspec.structs.replace(Limits(), **limits),
        )

    async def fetch(self, coordinate: Coordinate) -> bytes:
        return (await self.values.fetch(coordinate)).reveal()

    async def look_up(self, coordinate: Coordinate) -> bytes:
        """Do as a lookup does: memory first."""
        kept = self.values.cached(coordinate)
        return kept.reveal() if kept is not None else await self.fetch(coordinate)

    async def refusal(self, coordinate: Coordinate) -> Refusal:
        with pytest.raises(Refusal) as refused:
            await self.fetch(coordinate)
        return refused.value


def test_with_memory_a_folder_of_forty_is_one_listing() -> None:
    async def scene() -> None:
        stage = Scene()
        for key, value in KEYS.items():
            assert await stage.look_up(at(key)) == value
        assert stage.upstream.calls == ["list myproject:/myapp"]
        assert len(stage.cache) == 40

    run(scene())


def test_without_a_cache_every_lookup_is_one_get_and_nothing_is_kept() -> None:
    async def scene() -> None:
        stage = Scene("none")
        for _ in range(3):
            assert await stage.look_up(at("KEY_1")) == b"value 1"
        assert stage.upstream.calls == ["get myproject:/myapp#KEY_1"] * 3
        assert len(stage.cache) == 0

    run(scene())


@pytest.mark.parametrize(("cache", "kind"), [("memory", "list"), ("none", "get")])
def test_fifty_at_once_are_one_request(cache: str, kind: str) -> None:
    async def scene() -> None:
        stage = Scene(cache)
        stage.upstream.gate = asyncio.Event()
        tasks = [asyncio.create_task(stage.look_up(at("KEY_1"))) for _ in range(50)]
        await stage.upstream.called.wait()
        stage.upstream.gate.set()
        assert await asyncio.gather(*tasks) == [b"value 1"] * 50
        assert (stage.upstream.count(kind), len(stage.upstream.calls)) == (1, 1)

    run(scene())


def test_an_allowed_key_outside_of_sources_is_got_alone_and_kept() -> None:
    async def scene() -> None:
        stage = Scene()
        for _ in range(3):
            assert await stage.look_up(at("K", "/other")) == b"other"
        assert stage.upstream.calls == ["get myproject:/other#K"]

    run(scene())


def test_a_refused_listing_falls_back_to_the_one_secret() -> None:
    async def scene() -> None:
        stage = Scene()
        stage.upstream.list_error = failure(Kind.REFUSED)
        assert await stage.look_up(at("KEY_1")) == b"value 1"
        assert await stage.look_up(at("KEY_1")) == b"value 1"
        assert stage.upstream.calls == ["list myproject:/myapp", "get myproject:/myapp#KEY_1"]

    run(scene())


OTHERS = {
    Kind.TRANSPORT: BrokerError.UNREACHABLE,
    Kind.FOREIGN: BrokerError.FOREIGN,
    Kind.ABSENT: BrokerError.ABSENT,
    Kind.LIMITED: BrokerError.LIMITED,
}


@pytest.mark.parametrize(("kind", "code"), OTHERS.items())
def test_a_listing_that_fails_otherwise_is_not_tried_in_another_way(
    kind: Kind, code: BrokerError
) -> None:
    async def scene() -> None:
        stage = Scene()
        stage.upstream.list_error = failure(kind, "what it said")
        refused = await stage.refusal(at("KEY_1"))
        assert (refused.code, refused.detail) == (code, "what it said")
        assert stage.upstream.calls == ["list myproject:/myapp"]

    run(scene())


@pytest.mark.parametrize("kind", Kind)
def test_a_get_that_fails_tells_why(kind: Kind) -> None:
    async def scene() -> None:
        stage = Scene("none")
        stage.upstream.single_error = failure(kind, "what it said")
        assert (await stage.refusal(at("KEY_1"))).detail == "what it said"
        assert stage.upstream.count("get") == 1

    run(scene())


def test_a_failure_is_not_kept() -> None:
    async def scene() -> None:
        stage = Scene()
        stage.upstream.list_error = failure(Kind.TRANSPORT)
        await stage.refusal(at("KEY_1"))
        stage.upstream.list_error = None
        assert await stage.look_up(at("KEY_1")) == b"value 1"

    run(scene())


def test_a_key_that_the_folder_lacks_is_absent_and_a_burst_is_one_listing() -> None:
    async def scene() -> None:
        stage = Scene()
        for _ in range(5):
            refused = await stage.refusal(at("GONE"))
            assert refused.code == BrokerError.ABSENT
            assert refused.detail.startswith("GONE is not in its folder; restore it")
        assert stage.upstream.calls == ["list myproject:/myapp"]

    run(scene())


def test_a_key_that_comes_later_is_found_when_the_burst_is_over() -> None:
    async def scene() -> None:
        stage = Scene(listing_seconds=0.01)
        await stage.refusal(at("NEW"))
        stage.upstream.folders["/myapp"]["NEW"] = b"new"
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(0.02, over.set)  # behind the burst's own timer
        await over.wait()
        assert await stage.look_up(at("NEW")) == b"new"

    run(scene())


def test_a_value_that_cannot_be_handed_over_is_refused_and_not_kept() -> None:
    async def scene() -> None:
        stage = Scene()
        bad, good = entry("BAD", None, problem="its value is masked"), entry("GOOD", b"good")
        stage.upstream.listings["/myapp"] = Listing((bad, good))
        refused = await stage.refusal(at("BAD"))
        assert (refused.code, refused.detail) == (BrokerError.BAD_VALUE, "BAD: its value is masked")
        assert len(stage.cache) == 1

    run(scene())


def test_a_miss_ends_at_its_deadline_and_the_answer_is_kept_for_the_next() -> None:
    async def scene() -> None:
        stage = Scene(miss_seconds=0.05)
        stage.upstream.gate = asyncio.Event()
        refused = await stage.refusal(at("KEY_1"))
        assert refused.code == BrokerError.UNREACHABLE
        assert refused.detail == "Infisical did not answer within 0.05 s"
        stage.upstream.gate.set()
        assert await stage.look_up(at("KEY_1")) == b"value 1"
        assert stage.upstream.count("list") == 1

    run(scene())


def test_a_project_that_is_allowed_but_not_configured_is_refused() -> None:
    async def scene() -> None:
        stage = Scene()
        refused = await stage.refusal(at("K", "/", "nowhere"))
        assert refused.code == BrokerError.FORBIDDEN
        assert "not configured" in refused.detail
        assert stage.values.cached(at("K", "/", "nowhere")) is None
        assert stage.upstream.calls == []

    run(scene())


def test_a_listing_is_kept_only_where_a_workload_draws_from() -> None:
    async def scene() -> None:
        stage = Scene()
        found = Listing((entry("IN", b"in", "/myapp"), entry("OUT", b"out", "/myapp/sub")))
        stage.values.keep_listing("myproject", found)
        assert stage.values.cached(at("IN")) is not None
        assert stage.values.cached(at("OUT", "/myapp/sub")) is None
        assert len(stage.cache) == 1

    run(scene())


def test_close_ends_what_waits_for_infisical() -> None:
    async def scene() -> None:
        stage = Scene()
        stage.upstream.gate = asyncio.Event()
        task = asyncio.create_task(stage.fetch(at("KEY_1")))
        await stage.upstream.called.wait()
        await stage.values.close()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(scene())
