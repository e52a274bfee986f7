"""The cache on each kind of device, with every process real: a reboot without Infisical."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from psi.shared.messages.base import Done
from psi.shared.messages.sealer import Recover
from tests.fakes.devices.softhsm import SoftHsmToken
from tests.fakes.devices.swtpm import SwTpm
from tests.fakes.devices.tpm2_pkcs11 import Tpm2Pkcs11
from tests.fakes.sealer_stub.host import Device, host, seed, wait_for

COUNT = 400
LIMITS = {
    "cache_write_seconds": 0.02,
    "device_retry_seconds": 0.1,
    "boot_grace_seconds": 0.01,
    "breaker_open_seconds": 0.05,
}


def values() -> dict[str, str]:
    return {f"KEY_{number}": f"value {number}" for number in range(COUNT)}


def on_tpm(tpm: SwTpm) -> Device:
    options = {"tcti": tpm.tcti, "policy": "authorized", "pcrs": [7]}
    return Device("tpm", {"backend": "tpm", "tpm": options})


def on_token(token: SoftHsmToken | Tpm2Pkcs11) -> Device:
    options = {
        "module": token.module,
        "token_label": token.label,
        "key_label": token.key_label,
        "pin": token.pin,
    }
    return Device("hsm", {"backend": "pkcs11", "pkcs11": options}, token.environment)


@contextmanager
def short_folder() -> Iterator[Path]:
    """Give a folder whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="psi-") as name:
        yield Path(name)


@pytest.fixture(params=["swtpm", "softhsm", "tpm2-pkcs11"])
def device(request: pytest.FixtureRequest) -> Iterator[Device]:
    with ExitStack() as stack:
        folder = stack.enter_context(short_folder())
        if request.param == "swtpm":
            yield on_tpm(stack.enter_context(SwTpm(folder)))
        elif request.param == "softhsm":
            yield on_token(SoftHsmToken(folder, kind="ec"))
        else:
            yield on_token(stack.enter_context(Tpm2Pkcs11(folder)))


def test_every_value_outlives_a_reboot_without_infisical(device: Device) -> None:
    with host(seed(values()), limits=LIMITS, device=device) as running:
        ids = [running.map(number, f"KEY_{number}") for number in range(COUNT)]
        running.start()
        assert running.look_up(ids[:1]) == [b"value 0"]
        running.written()
        running.stop()
        running.infisical.kill()
        running.start()
        calls = running.device().device_calls
        assert running.look_up(ids) == [text.encode() for text in values().values()]
        assert running.device().device_calls == calls == 1


def test_a_changed_boot_state_costs_no_live_lookup_and_recover_brings_the_cache_back() -> None:
    with (
        short_folder() as folder,
        SwTpm(folder) as tpm,
        host(seed(values()), limits=LIMITS, device=on_tpm(tpm)) as running,
    ):
        ids = [running.map(number, f"KEY_{number}") for number in range(COUNT)]
        printed = running.start(recovery=True)
        assert printed is not None
        running.look_up(ids[:1])
        before = running.written()
        running.stop()
        tpm.extend(7)
        running.start()
        seen = running.cache()
        assert seen.state == "unreadable"
        assert "boot state" in seen.detail
        assert running.look_up(ids[:1]) == [b"value 0"]
        assert running.cache().generation == 0
        (reply,) = running.ask("sealer", Recover(recovery_key=printed))
        assert isinstance(reply, Done), reply
        loaded = wait_for(running.cache, lambda status: status.state == "loaded")
        assert loaded.entries == COUNT
        assert loaded.generation >= before.generation


@pytest.mark.parametrize("name", ["sealer", "broker", "frontend"])
def test_a_crash_writes_no_core(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with host(seed(values()), limits=LIMITS) as running:
        running.start()
        process = getattr(running, name).process
        limits = Path(f"/proc/{process.pid}/limits").read_text().splitlines()
        (core,) = (line.split()[4:6] for line in limits if line.startswith("Max core file size"))
        assert core == ["0", "0"]
        process.send_signal(signal.SIGSEGV)
        assert process.wait(10) == -signal.SIGSEGV
    assert list(tmp_path.iterdir()) == []
