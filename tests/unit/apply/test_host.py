"""``apply`` on a host with a systemd: what it reads, what is restarted, and what is left alone."""

import json
import os
from pathlib import Path

import pytest

from psi.shared.errors import ConfigError, PsiError
from psictl.apply import ApplyResult, apply
from psictl.layout import Layout
from tests.fakes.systemd.manager import FakeSystemd
from tests.unit.apply.conftest import SEALED, VALID, Apply, Write

BROKER, SEALER = "psi-broker.service", "psi-sealer.service"
TIMER = "psi-infisical-refresh.timer"
SEALER_UNITS = "psi-sealer.socket psi-sealer-ctl.socket psi-sealer.service"
MEMORY = VALID + "cache: {backend: memory}\n"


def _workload(systemd: FakeSystemd) -> str:
    """Return what the running broker was started with."""
    projection = json.loads(systemd.given(BROKER)["config.json"])
    return str(projection["workloads"]["web"]["sources"][0]["path"])


def _links(layout: Layout) -> set[str]:
    """Return the drop-in folders with our link, one that leads to nothing included."""
    return {path.name for path in layout.unit_dir.iterdir() if (path / "50-psi.conf").is_symlink()}


def test_the_first_generation_waits_for_a_person_to_start_it(
    on_host: Apply, layout: Layout, systemd: FakeSystemd
) -> None:
    result = on_host()
    assert (result.generation, result.written, result.failed) == (1, True, ())
    assert result.notices == ("psi.target is not active: systemctl enable --now psi.target",)
    assert systemd.log == ["daemon-reload"]
    assert set(systemd.loaded) == {BROKER}
    link = layout.unit_dir / f"{BROKER}.d/50-psi.conf"
    assert str(link.readlink()) == str(layout.generated / "current" / f"{BROKER}.conf")
    assert str((layout.generated / "current").readlink()) == "gen-1"
    named = f"LoadCredential=config.json:{layout.config_dir}/gen-1/broker.json"
    assert named in link.read_text().splitlines()


def test_after_a_boot_the_services_have_what_was_applied(
    on_host: Apply, systemd: FakeSystemd, layout: Layout
) -> None:
    on_host(SEALED)
    systemd.boot()
    assert _workload(systemd) == "/web"
    assert set(systemd.given(SEALER)) == {"config.json", "host-secret"}
    running = systemd.states((BROKER, SEALER, TIMER))
    assert set(running.values()) == {"active"}


def test_what_the_broker_has_new_restarts_it_alone(on_host: Apply, systemd: FakeSystemd) -> None:
    on_host(SEALED)
    systemd.boot()
    systemd.clear_log()
    result = on_host(SEALED.replace("/web", "/site"))
    assert (result.restarted, result.started, result.stopped) == (("broker",), (), ())
    assert systemd.log == ["daemon-reload", f"restart {BROKER}"]
    assert _workload(systemd) == "/site"
    assert result.notices == ()


def test_a_comment_restarts_nothing(on_host: Apply, systemd: FakeSystemd, layout: Layout) -> None:
    on_host(SEALED)
    systemd.boot()
    systemd.clear_log()
    result = on_host(SEALED + "# a comment\n")
    assert (result.generation, result.written, result.changed) == (2, True, ())
    assert systemd.log == ["daemon-reload"]
    assert "gen-2/broker.json" in systemd.loaded[BROKER]


def test_the_same_again_does_nothing(on_host: Apply, systemd: FakeSystemd) -> None:
    on_host(SEALED)
    systemd.boot()
    systemd.clear_log()
    assert on_host(SEALED) == ApplyResult(1, ())
    assert systemd.log == []


def test_servers_restart_before_their_callers(on_host: Apply, systemd: FakeSystemd) -> None:
    on_host(SEALED)
    systemd.boot()
    systemd.clear_log()
    changed = SEALED.replace("/web", "/x") + "sealer: {hold: per-operation}\n"
    assert on_host(changed).restarted == ("sealer", "broker")
    assert systemd.log == ["daemon-reload", f"restart {SEALER}", f"restart {BROKER}"]


def test_a_drop_in_that_says_something_new_restarts_too(
    on_host: Apply, systemd: FakeSystemd, layout: Layout
) -> None:
    text = SEALED.replace("client_secret: hunter2", "client_secret_credential: shop")
    layout.credstore.mkdir(parents=True)
    (layout.credstore / "shop").write_text("in clear")
    on_host(text)
    systemd.boot()
    assert systemd.given(BROKER)["shop"] == "in clear"
    layout.credstore_encrypted.mkdir()
    (layout.credstore_encrypted / "shop").write_text("encrypted")
    result = on_host(text)
    assert (result.restarted, result.generation) == (("broker",), 2)
    assert systemd.given(BROKER)["shop"] == "encrypted"


def test_another_interval_restarts_the_timer_alone(on_host: Apply, systemd: FakeSystemd) -> None:
    on_host(MEMORY)
    systemd.boot()
    systemd.clear_log()
    result = on_host(MEMORY.replace("memory", "memory, refresh_interval: 2h"))
    assert result.restarted == (TIMER,)
    assert systemd.log == ["daemon-reload", f"restart {TIMER}"]


def test_what_is_needed_anew_is_started_before_the_broker(
    on_host: Apply, systemd: FakeSystemd
) -> None:
    on_host()
    systemd.boot()
    systemd.clear_log()
    result = on_host(SEALED)
    assert (result.started, result.restarted) == (("sealer", TIMER), ("broker",))
    assert systemd.log == [
        "daemon-reload",
        f"start {SEALER_UNITS}",
        f"restart {BROKER}",
        f"start {TIMER}",
    ]


def test_what_is_not_needed_any_more_is_stopped_after_the_broker(
    on_host: Apply, systemd: FakeSystemd, layout: Layout
) -> None:
    on_host(SEALED)
    systemd.boot()
    systemd.clear_log()
    result = on_host()
    assert (result.stopped, result.restarted) == (("sealer", TIMER), ("broker",))
    assert systemd.log == [
        "daemon-reload",
        f"restart {BROKER}",
        f"stop {SEALER_UNITS}",
        f"stop {TIMER}",
    ]
    assert _links(layout) == {f"{BROKER}.d"}
    assert not (layout.unit_dir / f"{SEALER}.d").exists()


def test_where_nothing_runs_nothing_is_started(on_host: Apply, systemd: FakeSystemd) -> None:
    on_host()
    result = on_host(SEALED)
    assert (result.started, result.restarted, result.stopped) == ((), (), ())
    assert systemd.log == ["daemon-reload", "daemon-reload"]


def test_a_service_that_a_person_stopped_stays_so(on_host: Apply, systemd: FakeSystemd) -> None:
    on_host()
    systemd.boot()
    systemd.stop((BROKER,))
    assert on_host(VALID.replace("/web", "/x")).restarted == ()
    assert systemd.states((BROKER,)) == {BROKER: "inactive"}


@pytest.mark.parametrize("state", ["active", "activating", "reloading", "failed"])
def test_a_service_that_means_to_run_gets_what_is_new(
    on_host: Apply, systemd: FakeSystemd, state: str
) -> None:
    on_host()
    systemd.boot()
    systemd.set_state(BROKER, state)
    on_host(VALID.replace("/web", "/x"))
    assert _workload(systemd) == "/x"


def test_a_service_that_does_not_come_up_is_told_with_a_remedy(
    on_host: Apply, systemd: FakeSystemd
) -> None:
    on_host(SEALED)
    systemd.boot()
    systemd.set_broken(SEALER)
    changed = SEALED.replace("/web", "/x") + "sealer: {hold: per-operation}\n"
    result = on_host(changed)
    (told,) = result.failed
    assert f"{SEALER} did not get active (Job for {SEALER} failed.)" in told
    assert f"journalctl -u {SEALER}" in told
    assert (result.generation, result.restarted) == (2, ("broker",))


def test_the_next_apply_tries_again_what_did_not_come_up(
    on_host: Apply, systemd: FakeSystemd
) -> None:
    on_host()
    systemd.boot()
    systemd.set_broken(BROKER)
    changed = VALID.replace("/web", "/x")
    assert on_host(changed).failed
    assert on_host(changed).failed
    systemd.set_broken()
    result = on_host(changed)
    assert (result.failed, result.started, result.written) == ((), ("broker",), False)
    assert _workload(systemd) == "/x"
    systemd.clear_log()
    on_host(changed)
    assert systemd.log == []


def test_what_did_come_up_is_not_touched_again(on_host: Apply, systemd: FakeSystemd) -> None:
    on_host(SEALED)
    systemd.boot()
    systemd.set_broken(BROKER)
    both = SEALED.replace("/web", "/x") + "sealer: {hold: per-operation}\n"
    assert on_host(both).restarted == ("sealer",)
    systemd.set_broken()
    systemd.clear_log()
    assert on_host(both).started == ("broker",)
    assert systemd.log == ["daemon-reload", f"start {BROKER}"]


def test_a_systemd_that_cannot_be_reloaded_is_told_and_tried_again(
    on_host: Apply, systemd: FakeSystemd, layout: Layout
) -> None:
    on_host()
    systemd.boot()
    systemd.set_broken("daemon-reload")
    for number in range(2, 7):
        result = on_host(VALID.replace("/web", f"/{number}"))
        assert (result.generation, result.restarted) == (number, ())
        assert "systemd was not told: Failed to reload" in result.failed[0]
    # What systemd has read still names the first generation, so that one must stay.
    systemd.restart(BROKER)
    assert _workload(systemd) == "/web"
    systemd.set_broken()
    assert on_host(VALID.replace("/web", "/6")).restarted == ("broker",)
    assert _workload(systemd) == "/6"
    numbers = {path.name for path in layout.generated.glob("gen-*")}
    assert numbers == {"gen-4", "gen-5", "gen-6"}
    assert numbers == {path.name for path in layout.config_dir.glob("gen-*")}


def test_an_image_that_is_being_made_is_not_reloaded(layout: Layout, write: Write) -> None:
    image = FakeSystemd(layout.root, booted=False)
    result = apply(write(), layout, manager=image)
    assert result.notices == ("systemd does not run here: no service was restarted",)
    assert apply(write(), layout, manager=image).notices == ()
    assert image.log == []
    image.boot()
    assert _workload(image) == "/web"


def test_a_bad_configuration_leaves_all_as_it_is_across_a_reboot(
    on_host: Apply, systemd: FakeSystemd
) -> None:
    on_host(SEALED)
    systemd.boot()
    systemd.clear_log()
    with pytest.raises(ConfigError, match="unknown key"):
        on_host(SEALED + "nonsense: 1\n")
    assert systemd.log == []
    systemd.boot()
    assert _workload(systemd) == "/web"
    assert systemd.states((SEALER,)) == {SEALER: "active"}


def test_a_check_looks_for_credentials_and_changes_nothing(
    layout: Layout, write: Write, systemd: FakeSystemd
) -> None:
    named = write(VALID.replace("client_secret: hunter2", "client_secret_credential: shop"))
    before = sorted(layout.root.rglob("*"))
    with pytest.raises(ConfigError, match="credential shop is neither in"):
        apply(named, layout, check_only=True, manager=systemd)
    assert apply(write(), layout, check_only=True, manager=systemd) == ApplyResult(0, ())
    assert sorted(layout.root.rglob("*")) == before


def test_a_link_that_somebody_took_away_is_made_again(
    on_host: Apply, systemd: FakeSystemd, layout: Layout
) -> None:
    on_host()
    systemd.boot()
    (layout.unit_dir / f"{BROKER}.d/50-psi.conf").unlink()
    systemd.reload()
    assert systemd.loaded == {}
    systemd.clear_log()
    result = on_host()
    assert (result.written, result.restarted) == (False, ("broker",))
    assert systemd.log == ["daemon-reload", f"restart {BROKER}"]
    assert set(systemd.loaded) == {BROKER}


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_what_is_not_ours_in_a_links_place_is_refused(
    on_host: Apply, systemd: FakeSystemd, layout: Layout, tmp_path: Path, kind: str
) -> None:
    on_host()
    systemd.boot()
    folder = layout.unit_dir / f"{SEALER}.d"
    if kind == "folder":
        folder.symlink_to(tmp_path)
    else:
        folder.mkdir()
        place = folder / "50-psi.conf"
        place.write_text("[Service]\n") if kind == "file" else place.symlink_to("/dev/null")
    systemd.clear_log()
    with pytest.raises(ConfigError, match="move it away"):
        on_host(SEALED)
    assert systemd.log == []
    assert str((layout.generated / "current").readlink()) == "gen-1"
    assert not (tmp_path / "50-psi.conf").exists()


def test_other_drop_ins_are_left_alone(on_host: Apply, layout: Layout) -> None:
    folder = layout.unit_dir / f"{SEALER}.d"
    folder.mkdir(parents=True)
    (folder / "60-hsm.conf").write_text("[Service]\n")
    other = layout.unit_dir / "other.service.d"
    other.mkdir()
    (other / "50-psi.conf").symlink_to("/dev/null")
    on_host(SEALED)
    on_host()
    assert [path.name for path in folder.iterdir()] == ["60-hsm.conf"]
    assert (other / "50-psi.conf").is_symlink()


def test_drop_ins_that_others_may_change_are_refused(on_host: Apply, layout: Layout) -> None:
    layout.generated.mkdir(parents=True)
    layout.generated.chmod(0o777)
    with pytest.raises(PsiError, match="may be changed by others; chmod 0755"):
        on_host()
    assert not layout.current.exists()
    layout.generated.chmod(0o755)
    assert on_host().written


@pytest.mark.parametrize("damage", ["drop-in", "folder", "link", "projection"])
def test_a_damaged_half_makes_a_new_generation(
    on_host: Apply, systemd: FakeSystemd, layout: Layout, damage: str
) -> None:
    on_host()
    systemd.boot()
    half = layout.generated / "gen-1"
    if damage == "drop-in":
        (half / f"{BROKER}.conf").write_text("[Service]\n")
    elif damage == "folder":
        (half / f"{BROKER}.conf").unlink()
        half.rmdir()
    elif damage == "link":
        (layout.generated / "current").unlink()
    else:
        (layout.config_dir / "gen-1/broker.json").unlink()
    result = on_host()
    assert (result.generation, result.restarted) == (2, ("broker",))
    assert _workload(systemd) == "/web"


def test_systemd_is_given_files_that_it_does_not_complain_of(
    on_host: Apply, layout: Layout
) -> None:
    before = os.umask(0o077)
    try:
        on_host(SEALED)
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in (layout.generated / "current").iterdir()}
    assert modes == {0o644}
    assert {path.stat().st_mode & 0o777 for path in layout.current.iterdir()} == {0o600}


def test_no_secret_is_in_a_drop_in(on_host: Apply, layout: Layout) -> None:
    text = SEALED.replace("infisical:\n", "infisical:\n    proxy: http://u:canary@p:1\n")
    on_host(text.replace("hunter2", "canary"))
    assert b"canary" in (layout.current / "broker.json").read_bytes()
    for path in (layout.generated / "current").iterdir():
        assert b"canary" not in path.read_bytes()
