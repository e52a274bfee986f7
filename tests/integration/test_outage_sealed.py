"""Sealed secrets over an outage and a restart, and who may register one."""

import json
from collections.abc import Iterator

import pytest

from psi.shared.messages.base import Done, Refused, Reply
from psi.shared.messages.broker import (
    ListMappings,
    ListMappingsReply,
)
from psi.shared.messages.broker_cache import (
    CacheStatus,
    SealSecret,
)
from psi.shared.secret import SecretBytes
from tests.fakes.sealer_stub.host import Host, host, secret_id, seed
from tests.unit.frontend.exchange import Answer, ask

LIMITS = {"boot_grace_seconds": 0.01, "device_retry_seconds": 0.05}
BOOT = b"bootstrap value"


def seal(running: Host, name: str, value: bytes, *, replace: bool = False) -> Reply:
    request = SealSecret(name=name, value=SecretBytes(value), replace=replace)
    return running.ask("broker", request)[0]


def register(running: Host, number: int, name: str) -> Answer:
    payload = json.dumps({"provider": "sealed", "name": name}).encode()
    return ask(running.http, "POST", f"/store/{secret_id(number)}", payload)


def value_of(running: Host, number: int) -> Answer:
    return ask(running.http, "GET", f"/lookup/{secret_id(number)}")


@pytest.fixture
def running() -> Iterator[Host]:
    """Give a host with BOOT sealed and registered, and Infisical gone."""
    with host(seed({}), limits=LIMITS) as made:
        made.start()
        assert isinstance(seal(made, "BOOT", BOOT), Done)
        assert register(made, 1, "BOOT").status == 200
        made.infisical.kill()
        yield made


def test_it_is_served_with_infisical_away_and_after_a_restart(running: Host) -> None:
    assert value_of(running, 1).body == BOOT
    running.stop()
    running.start()
    assert value_of(running, 1).body == BOOT


def test_it_is_served_after_a_kill_right_after_its_acknowledgement(running: Host) -> None:
    assert isinstance(seal(running, "SECOND", b"second"), Done)
    assert register(running, 2, "SECOND").status == 200
    running.broker.kill()
    running.broker.start()
    assert value_of(running, 2).body == b"second"


def test_swapped_files_are_refused_and_named(running: Host) -> None:
    seal(running, "ADMIN", b"admin value")
    register(running, 2, "ADMIN")
    running.stop()
    boot, admin = running.state / "sealed/BOOT", running.state / "sealed/ADMIN"
    boot.write_bytes(admin.read_bytes())
    running.start()
    answer = value_of(running, 1)
    assert answer.status == 503
    assert "sealed secret BOOT: its file is damaged" in answer.reason
    assert value_of(running, 2).body == b"admin value"


def test_a_frontend_cannot_register_one_by_itself(running: Host) -> None:
    answer = register(running, 3, "BOOT")
    assert answer.status == 403
    assert "psictl seal" in answer.reason
    (listed,) = running.ask("broker", ListMappings())
    assert isinstance(listed, ListMappingsReply)
    assert [(each.secret_id, each.name) for each in listed.sealed] == [(secret_id(1), "BOOT")]


def test_after_a_new_seal_one_id_may_be_registered(running: Host) -> None:
    assert isinstance(seal(running, "BOOT", b"newer", replace=True), Done)
    assert register(running, 3, "BOOT").status == 200
    assert register(running, 4, "BOOT").status == 403
    assert value_of(running, 3).body == b"newer"


def test_with_the_sealer_away_what_is_open_stays_and_nothing_new_is_sealed(running: Host) -> None:
    running.sealer.kill()
    running.sockets["sealer"]["broker"].close()
    (running.root / "run/psi-ipc/sealer-broker/sock").unlink()
    refused = seal(running, "NEW", b"x")
    assert isinstance(refused, Refused)
    assert refused.code == "sealer"
    assert value_of(running, 1).body == BOOT
    running.broker.stop()
    running.broker.start()
    answer = value_of(running, 1)
    assert answer.status == 503
    assert "the sealer is not reachable" in answer.reason
    (status,) = running.ask("broker", CacheStatus())
    assert not isinstance(status, Refused)
