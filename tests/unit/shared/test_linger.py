"""A lone call looks out for its reply: bounded, and over as soon as there is something to read."""

import asyncio
import socket
import time
from pathlib import Path

from psi.shared.client import Pool
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.broker import Ping
from psi.shared.processes import Process

LONG = 20.0
SHORT = 0.02


async def lingered(folder: Path, *, answers: bool, seconds: float) -> float:
    """Return how long a call lingers at a server that answers at once, or never."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "sock"))
        listener.listen(1)
        log = Log(Process.FRONTEND)
        pool = Pool(str(folder / "sock"), Process.FRONTEND, Process.BROKER, 1, Limits(), log)
        call = pool.submit(Ping(id=pool.next_id()), lambda _: None)
        with (await asyncio.to_thread(listener.accept))[0] as server:
            await asyncio.to_thread(server.recv, 1 << 16)
            if answers:
                server.sendall(b"any byte ends the looking out")
            assert call.channel is not None
            begun = time.monotonic()
            call.channel.linger(seconds)
            took = time.monotonic() - begun
            call.abandon()
            pool.close()
        return took


def test_it_ends_with_the_first_byte(tmp_path: Path) -> None:
    assert asyncio.run(lingered(tmp_path, answers=True, seconds=LONG)) < LONG / 2


def test_it_ends_after_its_time(tmp_path: Path) -> None:
    took = asyncio.run(lingered(tmp_path, answers=False, seconds=SHORT))
    assert SHORT <= took < LONG / 2


def test_its_time_is_short_against_a_lookup() -> None:
    limits = Limits()
    assert limits.linger_seconds * 1000 < limits.degraded_lookup_seconds
