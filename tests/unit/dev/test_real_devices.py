"""``psictl dev --sealer``: the real sealer with each emulated device, from nothing and again."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from psi.shared.messages.base import Done
from psi.shared.messages.broker_cache import (
    SealSecret,
)
from psi.shared.messages.sealer import AddSlot, AddSlotReply, Reseal, SealerStatusReply
from psi.shared.secret import SecretBytes
from psictl.cache.keyslots import sealer_status
from psictl.client import BrokerClient, SealerClient
from psictl.http_socket import HttpSocket
from psictl.layout import Layout
from psictl.sealing import seal_and_post
from tests.unit.dev.conftest import CONFIG, DEADLINE, DevHost, wait_for

KINDS = {"software": "software", "swtpm": "tpm", "softhsm": "pkcs11"}
CANARY = b"canary-\x00\xff-51c9"
Begin = Callable[[str], tuple[DevHost, dict[str, Any]]]


@pytest.fixture
def begin(layout: Layout, config: Path) -> Iterator[Begin]:
    """Return a function that starts a host of real services and returns its ready line."""
    # Nothing listens there: what is answered comes from this host alone.
    config.write_text(
        CONFIG.replace("infisical:\n", "infisical:\n    api_url: http://127.0.0.1:9\n")
    )
    hosts: list[DevHost] = []

    def run(device: str) -> tuple[DevHost, dict[str, Any]]:
        command = (sys.executable, "-m", "psictl", "dev", "--root", str(layout.root))
        hosts.append(DevHost(layout, *command, "--config", str(config), "--sealer", device))
        return hosts[-1], hosts[-1].line()

    yield run
    for host in hosts:
        host.end()


def _status(layout: Layout) -> SealerStatusReply:
    with SealerClient(layout) as client:
        return sealer_status(client)


def _seal(layout: Layout) -> str:
    request = SealSecret(name="CANARY", value=SecretBytes(CANARY))
    with BrokerClient(layout) as client, HttpSocket(layout) as http:
        return seal_and_post(client, http, request).id


def _look_up(layout: Layout, secret_id: str) -> bytes:
    transport = httpx.HTTPTransport(uds=str(layout.http_socket))
    with httpx.Client(transport=transport, timeout=DEADLINE) as client:
        return client.get(f"http://localhost/lookup/{secret_id}").content


@pytest.mark.parametrize("device", KINDS)
def test_it_is_provisioned_at_first_and_found_again(
    begin: Begin, layout: Layout, device: str
) -> None:
    host, line = begin(device)
    assert set(line["ctl"]) == {"sealer", "broker", "pki"}
    first = _status(layout)
    assert (first.state, [slot.kind for slot in first.slots]) == ("open", [KINDS[device]])
    secret_id = _seal(layout)
    assert host.stop() == 0
    kept = (layout.sealer_state / "keyslots").read_bytes()
    begin(device)
    assert (layout.sealer_state / "keyslots").read_bytes() == kept
    # The device is asked in the background: a broker is READY whether or not it answers.
    wait_for(lambda: _look_up(layout, secret_id) == CANARY, "the sealed secret to be open")


@pytest.mark.parametrize("device", KINDS)
def test_a_slot_of_the_device_is_added(begin: Begin, layout: Layout, device: str) -> None:
    begin(device)
    with SealerClient(layout) as client:
        assert client.call(AddSlot(kind="device"), AddSlotReply).number == 1
        assert len(sealer_status(client).slots) == 2


def test_the_tpm_is_a_child_that_ends_with_its_host(begin: Begin, layout: Layout) -> None:
    host, line = begin("swtpm")
    pid = line["pids"]["swtpm"]
    assert Path(f"/proc/{pid}/comm").read_text().strip() == "swtpm"
    with SealerClient(layout) as client:
        client.call(Reseal(), Done)
    assert host.stop() == 0
    assert not Path(f"/proc/{pid}").exists()
    assert not (layout.development_device / "sock").exists()


def test_a_tpm_that_dies_is_told_and_lookups_go_on(begin: Begin, layout: Layout) -> None:
    host, line = begin("swtpm")
    secret_id = _seal(layout)
    os.kill(line["pids"]["swtpm"], signal.SIGKILL)
    assert host.line() == {"exited": "swtpm", "code": -9}
    assert _look_up(layout, secret_id) == CANARY
    assert host.stop() == 0
