"""The sealer on a development host: when it runs, what it gets, in which order all of it ends."""

import os
import signal
import stat
from pathlib import Path

import pytest

from psi.shared.errors import PsiError
from psi.shared.processes import Process
from psi.shared.projection import SealerProjection, decode_projection
from psictl.apply import apply
from psictl.layout import Layout
from tests.unit.dev.conftest import CONFIG, DEADLINE, Start, ask, wait_for

SEALED = CONFIG + "cache: {backend: tpm}\n"
TOKEN = "module: /p11.so, token_label: t, key_label: k, pin_credential: hsm-pin"
HSM = CONFIG + f"cache: {{backend: hsm}}\nsealer: {{pkcs11: {{{TOKEN}}}}}\n"


@pytest.fixture
def sealed(config: Path) -> Path:
    config.write_text(SEALED)
    return config


def _control(layout: Layout) -> Path:
    return layout.control_socket(Process.SEALER)


def _keyslots(layout: Layout) -> None:
    """Put a keyslot file there, so that nothing is to be provisioned: a fake sealer cannot."""
    layout.sealer_state.mkdir(parents=True)
    (layout.sealer_state / "keyslots").write_bytes(b"")


def test_the_ready_line_has_the_sealer(start: Start, layout: Layout, sealed: Path) -> None:
    host = start()
    line = host.line()
    assert line["ctl"]["sealer"] == str(layout.root / "run/psi-ctl/sealer.sock")
    assert line["pids"]["sealer"] == ask(_control(layout))["pid"]
    assert set(line["pids"]) == {"sealer", "broker", "pki", "frontend"}


def test_without_anything_at_rest_there_is_no_sealer(start: Start, layout: Layout) -> None:
    line = start().line()
    assert "sealer" not in line["ctl"]
    assert "sealer" not in line["pids"]
    assert not _control(layout).exists()


def test_a_descriptor_carries_its_callers_role(start: Start, layout: Layout, sealed: Path) -> None:
    start().line()
    broker = layout.root / "run/psi-ipc/sealer-broker/sock"
    assert (ask(broker)["name"], ask(broker)["socket"]) == ("sealer", "broker")
    assert ask(_control(layout))["socket"] == "ctl"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (broker, _control(layout))]
    assert modes == [0o660, 0o600]


def test_the_sealer_gets_its_own_credentials_alone(
    start: Start, layout: Layout, sealed: Path
) -> None:
    host = start()
    host.line()
    credentials = ask(_control(layout))["credentials"]
    assert set(credentials) == {"config.json", "host-secret"}
    projection = decode_projection(credentials["config.json"].encode(), SealerProjection)
    assert projection.state_dir == str(layout.sealer_state)
    assert stat.S_IMODE(layout.sealer_state.stat().st_mode) == 0o700
    assert set(ask(host.control)["credentials"]) == {"config.json"}


def test_the_host_secret_is_the_hosts(start: Start, layout: Layout, sealed: Path) -> None:
    start().line()
    secret = layout.config_dir / "host-secret"
    given = layout.run / "credentials/psi-sealer.service/host-secret"
    assert given.read_bytes() == secret.read_bytes()
    assert stat.S_IMODE(given.stat().st_mode) == 0o600


def test_a_pin_comes_from_the_credential_store(start: Start, layout: Layout, config: Path) -> None:
    config.write_text(HSM)
    layout.credstore.mkdir(parents=True)
    (layout.credstore / "hsm-pin").write_text("4711")
    start().line()
    assert ask(_control(layout))["credentials"]["hsm-pin"] == "4711"


def test_a_pin_that_is_missing_is_told(start: Start, config: Path) -> None:
    config.write_text(HSM)
    host = start()
    assert host.process.wait(DEADLINE) == 1
    assert "credential hsm-pin: cannot read" in host.errors()


def test_a_pin_may_not_take_the_place_of_the_host_secret(start: Start, config: Path) -> None:
    config.write_text(HSM.replace("hsm-pin", "host-secret"))
    host = start()
    assert host.process.wait(DEADLINE) == 2
    assert "is PSI's own name" in host.errors()


def test_callers_stop_before_their_servers(start: Start, sealed: Path) -> None:
    host = start()
    host.line()
    assert host.stop() == 0
    assert host.events() == [f"stopping {name}" for name in ("frontend", "pki", "broker", "sealer")]


def test_a_sealer_that_dies_is_told_and_the_others_go_on(start: Start, sealed: Path) -> None:
    host = start()
    os.kill(host.line()["pids"]["sealer"], signal.SIGKILL)
    assert host.line() == {"exited": "sealer", "code": -9}
    assert ask(host.http)["name"] == "frontend"
    assert host.stop() == 0


def test_a_sealer_that_is_needed_now_is_started(start: Start, layout: Layout, config: Path) -> None:
    host = start()
    before = host.line()["pids"]
    config.write_text(SEALED)
    assert apply(config, layout).restarted == (Process.SEALER, Process.BROKER)
    assert host.line() == {"restarted": "sealer", "pid": ask(_control(layout))["pid"]}
    assert host.line()["restarted"] == "broker"
    assert ask(host.http)["pid"] == before["frontend"]


def test_a_sealer_that_is_not_needed_any_more_is_stopped_last(
    start: Start, layout: Layout, sealed: Path
) -> None:
    host = start()
    host.line()
    sealed.write_text(CONFIG)
    assert apply(sealed, layout).restarted == (Process.BROKER,)
    assert host.line()["restarted"] == "broker"
    assert host.line() == {"stopped": "sealer"}
    assert not _control(layout).exists()
    assert not (layout.run / "credentials/psi-sealer.service").exists()
    assert host.events() == ["stopping broker", "stopping sealer"]


def test_what_concerns_the_sealer_restarts_it_alone(
    start: Start, layout: Layout, sealed: Path
) -> None:
    host = start()
    before = host.line()["pids"]
    sealed.write_text(SEALED + "sealer: {hold: per-operation}\n")
    assert apply(sealed, layout).restarted == (Process.SEALER,)
    assert ask(host.control)["pid"] == before["broker"]


def test_an_emulated_device_stands_in_for_the_configured_one(
    start: Start, layout: Layout, sealed: Path
) -> None:
    _keyslots(layout)
    start(device="software").line()
    assert '"backend":"software"' in ask(_control(layout))["credentials"]["config.json"]


def test_a_token_is_found_by_the_sealer_alone(start: Start, layout: Layout) -> None:
    _keyslots(layout)
    host = start(device="softhsm")
    host.line()
    told = ask(_control(layout))["environment"]
    assert told["SOFTHSM2_CONF"] == str(layout.development_device / "softhsm2.conf")
    assert not any("PIN" in name for name in told)
    assert "SOFTHSM2_CONF" not in ask(host.control)["environment"]


def test_it_stands_in_for_a_changed_configuration_too(
    start: Start, layout: Layout, config: Path
) -> None:
    _keyslots(layout)
    host = start(device="software")
    host.line()
    config.write_text(CONFIG.replace("/web", "/site"))
    assert apply(config, layout).restarted == (Process.BROKER,)
    assert '"cache":"software"' in ask(host.control)["credentials"]["config.json"]


def test_it_ends_with_its_host(start: Start, layout: Layout, config: Path) -> None:
    _keyslots(layout)
    host = start(device="software")
    host.line()
    assert layout.stand_in.exists()
    assert host.stop() == 0
    assert not layout.stand_in.exists()
    assert apply(config, layout).changed == (Process.BROKER,)


def test_a_stand_in_of_a_host_that_was_killed_is_forgotten(start: Start, layout: Layout) -> None:
    _keyslots(layout)
    killed = start(device="software")
    killed.line()
    killed.process.kill()
    killed.process.wait(DEADLINE)
    assert "sealer" not in start().line()["pids"]


def test_a_sealer_that_does_not_get_ready_ends_the_host(start: Start) -> None:
    host = start(device="software", sealer="mute,hasty")
    assert host.process.wait(DEADLINE) == 1
    assert "the sealer is not READY after 0.5 s" in host.errors()


def test_a_sealer_that_does_not_answer_rightly_ends_the_host(start: Start) -> None:
    host = start(device="software")
    assert host.process.wait(DEADLINE) != 0
    told = host.errors()
    assert "the peer speaks protocol 123" in told
    assert "Traceback" not in told


def test_stopping_before_the_sealer_is_ready_stops(start: Start, layout: Layout) -> None:
    host = start(device="software", sealer="mute")
    wait_for(_control(layout).exists, "the sealer's socket")
    ask(_control(layout))
    assert host.stop() == 0
    assert host.events() == ["stopping sealer"]


def test_a_token_whose_module_is_gone_still_starts(
    start: Start, layout: Layout, config: Path
) -> None:
    config.write_text(HSM.replace(", pin_credential: hsm-pin", ""))
    start().line()
    assert "pin" not in ask(_control(layout))["credentials"]


def test_a_host_secret_that_is_damaged_starts_nothing(
    start: Start, layout: Layout, sealed: Path
) -> None:
    apply(sealed, layout)
    (layout.config_dir / "host-secret").write_bytes(b"short")
    host = start()
    assert host.process.wait(DEADLINE) == 1
    assert "restore it from a backup" in host.errors()
    with pytest.raises(PsiError, match="restore it"):
        apply(sealed, layout)
