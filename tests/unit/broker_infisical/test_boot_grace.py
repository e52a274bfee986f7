"""In the first minute after start a miss waits: the network may come up late (r25)."""

import asyncio

from tests.unit.broker_infisical.breaker_scene import WAIT_SECONDS, Scene, scenario, until
from tests.unit.broker_infisical.setting import failure_of


def test_in_the_boot_grace_a_miss_waits_for_the_next_probe() -> None:
    async def work(scene: Scene) -> None:
        waiting = asyncio.create_task(scene.ask())
        await until(lambda: scene.prober.calls >= 2)
        assert not waiting.done()
        scene.heal()
        assert await waiting == b"value"

    scenario(work, in_grace=True)


def test_after_the_boot_grace_a_miss_fails_at_once() -> None:
    async def work(scene: Scene) -> None:
        assert str(await failure_of(scene.ask())) == "because of the test"

    scenario(work)


def test_a_wait_in_the_boot_grace_ends_with_it() -> None:
    async def work(scene: Scene) -> None:
        error = await failure_of(scene.ask())
        assert "Infisical is away" in str(error)

    scenario(work, in_grace=True, boot_grace_seconds=0.2)


def test_a_wait_in_the_boot_grace_ends_before_the_lookups_own_time() -> None:
    async def work(scene: Scene) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            assert "Infisical is away" in str(await failure_of(scene.ask()))

    scenario(work, in_grace=True, miss_seconds=0.2)


def test_those_that_waited_go_out_a_few_at_a_time() -> None:
    async def work(scene: Scene) -> None:
        waiting = [asyncio.create_task(scene.ask()) for _ in range(60)]
        await until(lambda: scene.prober.calls >= 1)
        scene.upstream.most = 0
        scene.heal()
        assert await asyncio.gather(*waiting) == [b"value"] * 60
        assert scene.upstream.most <= 4

    scenario(work, in_grace=True)


def test_when_it_goes_away_again_those_that_waited_wait_on() -> None:
    async def work(scene: Scene) -> None:
        waiting = [asyncio.create_task(scene.ask()) for _ in range(20)]
        await until(lambda: scene.prober.calls >= 1)
        before = scene.upstream.calls
        scene.prober.error = None
        await until(lambda: scene.upstream.calls > before)
        await asyncio.sleep(0.02)
        scene.upstream.error = None
        assert await asyncio.gather(*waiting) == [b"value"] * 20

    scenario(work, in_grace=True)
