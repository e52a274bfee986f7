"""A boot whose network comes late: the first lookups wait for it, later ones fail at once (r25)."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from psi.shared.messages.base import Refused
from tests.fakes.sealer_stub.host import Host, host, seed, wait_for

VALUES = {f"KEY_{number}": f"value {number}" for number in range(30)}
LIMITS = {
    "breaker_probe_seconds": 0.05,
    "breaker_open_seconds": 0.2,
    "miss_seconds": 60,
    "cache_write_seconds": 0.02,
}


@pytest.fixture
def booting() -> Iterator[Host]:
    """Give a host that has nothing cached and no Infisical yet."""
    with host(seed(VALUES), limits=LIMITS) as running:
        for number, key in enumerate(VALUES):
            running.map(number, key)
        running.infisical.kill()
        running.start()
        yield running


def shorten_grace(running: Host) -> None:
    """Have the broker's next start count the boot grace as over."""
    limits = {**LIMITS, "boot_grace_seconds": 0.01}
    (running.broker.credentials / "limits.json").write_text(json.dumps(limits))


def test_first_lookups_wait_for_the_network_and_succeed(booting: Host) -> None:
    ids = [f"{number:025x}" for number in range(len(VALUES))]
    with ThreadPoolExecutor(len(ids)) as pool:
        asked = [pool.submit(booting.look_up, [each]) for each in ids]
        wait_for(booting.broker.text, lambda text: text.count("infisical.probe") > 8)
        assert not any(each.done() for each in asked), "also with the breaker open"
        booting.infisical.start()
        assert [each.result(60) for each in asked] == [[text.encode()] for text in VALUES.values()]
    assert booting.infisical.count("/api/v4/secrets") < len(ids), "one listing for all of them"


def test_what_is_cached_is_answered_meanwhile(booting: Host) -> None:
    booting.infisical.start()
    known = f"{0:025x}"
    assert booting.look_up([known]) == [b"value 0"]
    booting.written()
    other = booting.map(99, "ABSENT", "/elsewhere")
    booting.broker.stop()
    booting.infisical.kill()
    booting.broker.start()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(booting.look_up, [other])
        wait_for(booting.broker.text, lambda text: "infisical.probe" in text)
        assert booting.look_up([known]) == [b"value 0"]
        assert not waiting.done()
        booting.infisical.start()
        (reply,) = waiting.result(60)
        assert isinstance(reply, Refused)
        assert reply.code in {"absent", "refused"}


def test_after_the_grace_an_open_breaker_fails_at_once_and_recovers_by_itself(
    booting: Host,
) -> None:
    booting.broker.stop()
    shorten_grace(booting)
    booting.broker.start()
    known = f"{0:025x}"

    def detail() -> str:
        (reply,) = booting.look_up([known])
        assert isinstance(reply, Refused)
        return reply.detail

    wait_for(detail, lambda text: text.startswith("Infisical is away, not seen since"))
    begun = time.perf_counter()
    detail()
    assert time.perf_counter() - begun < 0.5
    booting.infisical.start()
    wait_for(lambda: booting.look_up([known]), lambda replies: replies == [b"value 0"])
    assert "infisical.reachable" in booting.broker.text()
