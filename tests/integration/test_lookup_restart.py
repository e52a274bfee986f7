"""Restarts under load: no lookup is lost, no acknowledged mapping is."""

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.unit.broker.chain import Chain, mapping, running, secret_id, seed
from tests.unit.frontend.exchange import Answer
from tests.unit.frontend.waiting import until

ID = secret_id(0)
ASKERS = 16


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    with running(tmp_path_factory.mktemp("r"), seed(A="the value")) as chain:
        assert chain.store(ID, mapping("A")).status == 200
        yield chain


def answers_during(chain: Chain, disturb: Callable[[], None]) -> list[Answer]:
    """Look up without a pause by several clients while something happens."""
    over = threading.Event()

    def asking() -> list[Answer]:
        found = []
        while not over.is_set():
            found.append(chain.look_up(ID))
        return found

    with ThreadPoolExecutor(ASKERS) as pool:
        askers = [pool.submit(asking) for _ in range(ASKERS)]
        try:
            disturb()
        finally:
            over.set()
        return [answer for asker in askers for answer in asker.result()]


def wrong(answers: list[Answer]) -> list[Answer]:
    assert len(answers) > ASKERS
    return [answer for answer in answers if answer.body != b"the value"]


def test_a_frontend_restart_under_load_loses_no_lookup(chain: Chain) -> None:
    def restarts() -> None:
        for _ in range(3):
            assert chain.frontend.stop() == 0
            chain.frontend.start()

    assert wrong(answers_during(chain, restarts)) == []


def test_a_broker_restart_under_load_loses_no_lookup(chain: Chain) -> None:
    def restarts() -> None:
        for _ in range(3):
            assert chain.broker.stop() == 0
            chain.broker.start()

    assert wrong(answers_during(chain, restarts)) == []


def test_a_killed_broker_loses_no_acknowledged_mapping(chain: Chain) -> None:
    acknowledged: set[str] = set()
    over = threading.Event()

    def storing(first: int) -> None:
        for number in itertools.takewhile(lambda _: not over.is_set(), itertools.count(first)):
            name = secret_id(number)
            if chain.store(name, mapping("A")).status == 200:
                acknowledged.add(name)

    def reached(count: int) -> bool:
        return len(acknowledged) >= count

    with ThreadPoolExecutor(4) as pool:
        storers = [pool.submit(storing, 100_000 * (index + 1)) for index in range(4)]
        try:
            for count in (20, 60, 120):
                until(partial(reached, count), "some are stored")
                chain.broker.kill()
                chain.broker.start()
        finally:
            over.set()
        for storer in storers:
            storer.result()
    chain.broker.stop()
    chain.broker.start()
    assert {name for name in acknowledged if chain.look_up(name).status != 200} == set()
    assert "mapping.unreadable" not in chain.broker.text()
