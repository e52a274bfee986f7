"""Where values may not be: the state folder, every log at DEBUG, the sealer's memory."""

import json
from collections.abc import Iterator

import pytest

from psi.shared.messages.base import Done
from psi.shared.messages.broker_cache import (
    Invalidate,
    Refresh,
    SealSecret,
)
from psi.shared.secret import SecretBytes
from tests.fakes.process_memory import memory_holds
from tests.fakes.sealer_stub.host import (
    CLIENT_SECRET,
    Host,
    host,
    in_files,
    secret_id,
    seed,
    wait_for,
)
from tests.unit.frontend.exchange import ask

CANARIES = {"A": "canary-of-the-first-value", "B": "canary-of-the-second-value"}
SEALED = b"canary-of-the-sealed-value"
ALL = [*(text.encode() for text in CANARIES.values()), SEALED, CLIENT_SECRET.encode(), b"eyJ"]
"""The last is how an access token begins."""
LIMITS = {
    "cache_write_seconds": 0.02,
    "boot_grace_seconds": 0.01,
    "breaker_open_seconds": 0.05,
    "breaker_probe_seconds": 0.02,
}


@pytest.fixture(scope="module")
def used() -> Iterator[Host]:
    """Do all that there is to do, restart, and go on without Infisical."""
    with host(seed(CANARIES), limits=LIMITS) as running:
        ids = [running.map(number, key) for number, key in enumerate(CANARIES)]
        missing = running.map(98, "MISSING", "/elsewhere")
        running.start()
        (reply,) = running.ask("broker", SealSecret(name="BOOT", value=SecretBytes(SEALED)))
        assert isinstance(reply, Done)
        sealed = json.dumps({"provider": "sealed", "name": "BOOT"}).encode()
        assert ask(running.http, "POST", f"/store/{secret_id(99)}", sealed).status == 200
        ids.append(secret_id(99))
        assert read(running, ids) == [*CANARIES.values(), SEALED.decode()]
        running.written()
        running.ask("broker", Refresh(), Invalidate(secret_id=ids[0]))
        assert read(running, ids) == [*CANARIES.values(), SEALED.decode()]
        running.written()
        running.stop()
        running.infisical.kill()
        running.start()
        assert read(running, ids) == [*CANARIES.values(), SEALED.decode()]
        assert ask(running.http, "GET", f"/lookup/{missing}").status == 503
        yield running


def read(running: Host, ids: list[str]) -> list[str]:
    return [ask(running.http, "GET", f"/lookup/{each}").body.decode() for each in ids]


@pytest.mark.parametrize("canary", ALL, ids=bytes.decode)
def test_no_file_of_the_state_folders_holds_it(used: Host, canary: bytes) -> None:
    assert in_files(used.state, canary) == []
    assert in_files(used.sealed, canary) == []


def test_the_same_search_finds_what_is_there(used: Host) -> None:
    assert "cache.enc" in in_files(used.state, b"PSI-SEAL")
    assert "sealed/BOOT" in in_files(used.state, b"PSI-SEAL")
    assert any(name.startswith(".token.") for name in in_files(used.state, b"PSI-SEAL"))
    assert secret_id(0) in in_files(used.state, b"/myapp")


@pytest.mark.parametrize("canary", ALL, ids=bytes.decode)
def test_no_log_holds_it_at_debug(used: Host, canary: bytes) -> None:
    for service in (used.sealer, used.broker, used.frontend):
        assert canary.decode() not in service.text(), service.name


def test_the_logs_are_at_debug_and_say_what_happened(used: Host) -> None:
    assert "secret-granted" in used.broker.text()
    assert "cache.loaded" in used.broker.text()
    assert "key.opened" in used.sealer.text()
    wait_for(used.broker.text, lambda text: "<7>psi-broker: infisical.probe" in text)


@pytest.mark.parametrize("canary", ALL, ids=bytes.decode)
def test_the_sealers_memory_does_not_hold_it(used: Host, canary: bytes) -> None:
    assert not memory_holds(used.sealer.pid, canary)


@pytest.mark.parametrize("name", ["BOOT", "/myapp", "cache.enc"])
def test_the_sealers_memory_holds_no_name_of_a_secret_or_file(used: Host, name: str) -> None:
    """In MessagePack's form, as a request would carry one."""
    assert not memory_holds(used.sealer.pid, bytes([0xA0 | len(name)]) + name.encode())


@pytest.mark.parametrize("canary", ALL[:4], ids=bytes.decode)
def test_the_brokers_memory_holds_it(used: Host, canary: bytes) -> None:
    """So the search would find it."""
    assert memory_holds(used.broker.pid, canary)
