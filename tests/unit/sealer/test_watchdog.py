"""The watchdog is fed only while the service is healthy (r22)."""

import asyncio
import os
import signal

import pytest

from psi.shared.lifecycle import run_until_stopped
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.processes import Process
from tests.unit.sealer.waiting import until


class Notices:
    def __init__(self) -> None:
        self.states: list[str] = []

    def notify(self, state: str) -> None:
        self.states.append(state)

    def pings(self) -> int:
        return self.states.count("WATCHDOG=1")


def test_it_is_withheld_while_unhealthy_and_fed_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "2500")
    notices, healthy = Notices(), [True]

    async def drain() -> None:
        notices.states.append("drained")

    async def scenario() -> None:
        await until(lambda: notices.pings() > 2, "it is fed")
        healthy[0] = False
        await until(lambda: "watchdog.withheld" in caplog.text, "it is withheld")
        count = notices.pings()
        lines = caplog.text.count("watchdog.withheld")
        await until(lambda: caplog.text.count("watchdog.withheld") > lines + 2, "still")
        assert notices.pings() == count
        healthy[0] = True
        await until(lambda: notices.pings() > count, "it is fed again")
        os.kill(os.getpid(), signal.SIGTERM)

    async def run() -> None:
        log = Log(Process.SEALER)
        serving = run_until_stopped(notices, Limits(), log, drain, healthy=lambda: healthy[0])
        await asyncio.gather(serving, scenario())

    asyncio.run(run())
    assert notices.states[0] == "READY=1"
    assert notices.states[-2:] == ["STOPPING=1", "drained"]
