"""Kill -9 of the broker at random moments: every start finds a whole cache, and a right one.

``PSI_KILL_ROUNDS`` sets the number of rounds, ``PSI_KILL_SEED`` repeats a run that failed.
"""

import asyncio
import os
import random
import time
from collections.abc import Iterator

import pytest

from psi.shared.client import Pool
from psi.shared.limits import Limits
from psi.shared.log import Log
from psi.shared.messages.broker import (
    Lookup,
    LookupReply,
)
from psi.shared.messages.broker_cache import (
    Invalidate,
    InvalidateReply,
)
from psi.shared.messages.sealer import Provision
from psi.shared.processes import Process
from tests.fakes.sealer_stub.host import PATHS, Host, host, secret_id, seed

ROUNDS = int(os.environ.get("PSI_KILL_ROUNDS", "50"))
SEED = int(os.environ.get("PSI_KILL_SEED", str(time.time_ns())))
WRITE_SECONDS = 0.02
NEW, FRESH = 3, 8
"""Values a round: written for certain before the kill, and about when it comes."""
LIMITS = {
    "cache_write_seconds": WRITE_SECONDS,
    "listing_seconds": 0.001,
    "boot_grace_seconds": 0.001,
}


class Story:
    """What was acknowledged, and what a start must therefore know."""

    def __init__(self, running: Host) -> None:
        self.host = running
        self.random = random.Random(SEED)  # noqa: S311  # repeatable, not secret
        self.values: dict[int, bytes] = {}
        self.read_once: set[int] = set()
        self.safe: set[int] = set()
        """On disk for certain."""
        self.removed: set[int] = set()
        """Removed with an acknowledgement, and changed at Infisical since."""
        self.next = 0

    def learn(self, count: int) -> None:
        """Look up so many new values, each of a folder of its own."""
        numbers = list(range(self.next, self.next + count))
        self.next += count
        self.read(numbers)

    def read(self, numbers: list[int]) -> None:
        """Look values up and hold each against what Infisical has; unreachable is no answer."""
        answers = self.host.look_up(secret_id(number) for number in numbers)
        assert answers == [self.value(number) for number in numbers], f"seed {SEED}"
        self.read_once.update(numbers)

    def value(self, number: int) -> bytes:
        return self.values.get(number, b"value-%d" % number)

    def change(self, number: int) -> None:
        """Change a value at Infisical and drop it here; then the old one may never be seen."""
        self.values[number] = b"changed-%d-%d" % (number, self.random.randrange(10**9))
        place = ("myproject", "prod", f"/f{number}", f"KEY_{number}")
        self.host.infisical.set_secret(*place, self.values[number].decode())
        (reply,) = self.host.ask("broker", Invalidate(secret_id=secret_id(number)))
        assert isinstance(reply, InvalidateReply), reply
        self.read_once.discard(number)
        self.safe.discard(number)
        self.removed.add(number)

    def begin(self) -> None:
        """Start, and hold everything against what must be known."""
        self.host.broker.start()
        status = self.host.cache()
        assert (status.state, status.unreadable, status.detail) == ("loaded", [], ""), (
            f"seed {SEED}"
        )
        self.host.infisical.fault("reset", "/api/v4/secrets")
        self.read(sorted(self.safe))
        self.host.infisical.clear_faults()
        self.read(sorted(self.removed))
        self.removed.clear()

    def settle(self) -> None:
        """Wait until what was read so far is on disk."""
        self.host.written()
        self.safe = set(self.read_once)

    def die(self, *, removing: bool) -> None:
        """Kill the broker while values come in and are written, or right after a removal."""
        if removing and self.safe:
            self.change(self.random.choice(sorted(self.safe)))
            self.host.broker.kill()
        else:
            asyncio.run(self._die(self.random.uniform(0, 4 * WRITE_SECONDS)))

    async def _die(self, seconds: float) -> None:
        asking = asyncio.create_task(self._ask_on())
        await asyncio.wait({asking}, timeout=seconds)
        assert not asking.done(), (asking, f"seed {SEED}")
        self.host.broker.kill()
        asking.cancel()

    async def _ask_on(self) -> None:
        """Look up new values, one after the other, and at last old ones without an end."""
        last = self.next + FRESH
        log = Log(Process.FRONTEND)
        path = str(self.host.root / PATHS["broker"]["frontend"])
        pool = Pool(path, Process.FRONTEND, Process.BROKER, 1, Limits(), log)
        while True:
            number = min(self.next, last - 1)
            self.next = number + 1
            request = Lookup(
                id=pool.next_id(), secret_id=secret_id(number), claimed_uid=0, claimed_pid=1
            )
            reply = await pool.call(request, 30)
            assert isinstance(reply, LookupReply), reply
            assert reply.value.reveal() == self.value(number), f"seed {SEED}"


@pytest.fixture
def story() -> Iterator[Story]:
    count = (NEW + FRESH) * ROUNDS
    secrets = seed({})
    for number in range(count):
        secrets.projects[0].secret("prod", f"/f{number}", f"KEY_{number}", f"value-{number}")
    with host(secrets, limits=LIMITS) as running:
        for number in range(count):
            running.map(number, f"KEY_{number}", f"/f{number}")
        running.sealer.start()
        running.ask("sealer", Provision(recovery=False))
        yield Story(running)


def test_every_start_after_a_kill_finds_a_whole_and_right_cache(story: Story) -> None:
    for number in range(ROUNDS):
        story.begin()
        story.learn(NEW)
        story.settle()
        story.die(removing=number % 3 == 2)
    story.begin()
    assert len(story.safe) >= ROUNDS
    assert story.host.cache(verify=True).verified > 0
    assert not list(story.host.state.glob(".*.tmp")), "what a kill left behind is swept"
