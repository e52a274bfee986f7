"""Fifty lookups a second from outside, each timed, while Infisical comes and goes."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import NamedTuple

from tests.unit.broker.chain import Chain

RATE = 50
"""Lookups a second."""
WORKERS = 32
"""So many may be under way: what waits must not hold the others back."""


class Sample(NamedTuple):
    """One lookup: when it began and how long it took, in seconds."""

    began: float
    seconds: float
    secret_id: str
    status: int
    body: bytes


@dataclass
class Load:
    """Asks for ids in turn until it is stopped."""

    chain: Chain
    ids: Sequence[str]
    futures: "list[Future[Sample]]"
    stopped: Event

    def run(self) -> None:
        """Ask at a steady rate, however long an answer takes."""
        begin, number = time.monotonic(), 0
        with ThreadPoolExecutor(WORKERS) as pool:
            while not self.stopped.wait(max(0.0, begin + number / RATE - time.monotonic())):
                one = self.ids[number % len(self.ids)]
                self.futures.append(pool.submit(look_up, self.chain, one))
                number += 1

    def samples(self) -> list[Sample]:
        """Return all that has been asked so far."""
        return [future.result() for future in list(self.futures)]


def look_up(chain: Chain, secret_id: str) -> Sample:
    """Look one up and time it."""
    began = time.monotonic()
    answer = chain.look_up(secret_id)
    return Sample(began, time.monotonic() - began, secret_id, answer.status, answer.body)


@contextmanager
def load(chain: Chain, ids: Sequence[str]) -> Iterator[Load]:
    """Keep asking while the context is open."""
    running = Load(chain, ids, [], Event())
    thread = Thread(target=running.run)
    thread.start()
    try:
        yield running
    finally:
        running.stopped.set()
        thread.join()


def percentile(samples: Sequence[Sample], share: float) -> float:
    """Return the seconds that this share of the samples took at most."""
    ordered = sorted(sample.seconds for sample in samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
