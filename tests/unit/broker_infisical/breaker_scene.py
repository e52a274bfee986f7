"""A breaker between a fake upstream for callers and one for probes, on a clock moved by hand."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from psi.broker.breaker import Breaker
from psi.broker.infisical.listing import Listing
from psi.broker.infisical.outcome import Kind, UpstreamError
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.processes import Process
from psi.shared.secret import SecretBytes
from tests.unit.broker_infisical.setting import HandClock, failure_of, run

QUICK = {"breaker_probe_seconds": 0.001, "boot_grace_seconds": 60, "breaker_open_seconds": 10}
WAIT_SECONDS = 20


def fault(kind: Kind = Kind.TRANSPORT, retry_after: float | None = None) -> UpstreamError:
    status = {Kind.TRANSPORT: None, Kind.FOREIGN: 200}.get(kind, 403)
    error = UpstreamError(kind, "because of the test", status=status)
    error.retry_after = retry_after
    return error


class Away:
    """An upstream that fails until it is told otherwise; counts what runs at once."""

    def __init__(self) -> None:
        self.error: UpstreamError | None = fault()
        self.calls = 0
        self.running = 0
        self.most = 0
        self.gate: asyncio.Event | None = None
        self.asked: tuple[str | None, ...] = ()

    async def get_secret(
        self, project: str, environment: str | None, path: str, key: str
    ) -> SecretBytes:
        self.asked = project, environment, path, key
        self.calls += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if self.gate is not None:
                await self.gate.wait()
            await asyncio.sleep(0)
        finally:
            self.running -= 1
        if self.error is not None:
            raise self.error
        return SecretBytes(b"value")

    async def list_folder(
        self, project: str, environment: str | None, path: str, *, recursive: bool
    ) -> Listing:
        await self.get_secret(project, environment, path, str(recursive))
        return Listing(())


class Scene:
    """A breaker past its boot grace, with an upstream for callers and one for probes."""

    def __init__(self, *, in_grace: bool = False, **limits: Any) -> None:
        self.clock = HandClock()
        self.upstream = Away()
        self.prober = Away()
        self.limits = Limits(**QUICK | limits)
        self.breaker = Breaker(
            self.upstream,
            self.limits,
            self.clock,
            Log(Process.BROKER),
            prober=self.prober,
            draw=lambda: 0.5,
        )
        if not in_grace:
            self.clock.advance(61)

    def heal(self) -> None:
        self.upstream.error = self.prober.error = None

    async def ask(self) -> bytes:
        return (await self.breaker.get_secret("myproject", None, "/app", "KEY")).reveal()

    async def open(self) -> None:
        await failure_of(self.ask())
        self.clock.advance(10)
        assert self.breaker.is_open


def scenario(work: Callable[[Scene], Coroutine[Any, Any, None]], **fields: Any) -> None:
    async def whole() -> None:
        scene = Scene(**fields)
        try:
            await work(scene)
        finally:
            await scene.breaker.close()

    run(whole())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():  # noqa: ASYNC110  # the breaker's task offers nothing to wait on
            await asyncio.sleep(0.001)
