"""``psictl apply`` and ``psictl credential`` on a booted host: what systemd then does, and no more.

The tests build on each other: each goes on where the one before it left the host.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.system.host import Host
from tests.system.stage import CONFIG, VALUES, Stage

BROKER, SEALER, FRONTEND = "psi-broker.service", "psi-sealer.service", "psi-frontend.service"
TIMER = "psi-infisical-refresh.timer"
SERVICES = (BROKER, SEALER, FRONTEND, "psi-pki.service")
INLINE = "client_secret: the-hosts-own-credential"
NAMED = "client_secret_credential: host-secret-of-infisical"
CREDENTIAL = NAMED.rpartition(" ")[2]
ENCRYPTED = f"/etc/credstore.encrypted/{CREDENTIAL}"
SOFTWARE = "cache: {backend: software}"
CACHED = "cache: {{backend: software}}\n"
"""What the stage's configuration has, and this module adds where it is needed."""
TOKEN = "/run/agent/token"
MODULE = "/usr/lib/softhsm/libsofthsm2.so"
HSM = (
    f"cache: {{backend: hsm}}\nsealer: {{pkcs11: {{module: {MODULE}, token_label: t, "
    "key_label: k, pin_credential: hsm-pin}}\n"
)


@dataclass
class Running:
    """Which services run, by their processes."""

    host: Host

    def __post_init__(self) -> None:
        self.before = self._now()

    def _now(self) -> dict[str, str]:
        return {unit: self.host.property(unit, "MainPID") for unit in SERVICES}

    def restarted(self) -> set[str]:
        """Return what runs as another process since the last time that this was asked."""
        before, self.before = self.before, self._now()
        return {unit for unit in SERVICES if self.before[unit] not in {"0", before[unit]}}


@pytest.fixture(scope="module")
def stage(host: Host) -> Iterator[Stage]:
    with Stage(host, CONFIG.replace(CACHED, "")) as stage:
        yield stage


@pytest.fixture(scope="module")
def running(stage: Stage) -> Running:
    stage.host.psictl("apply")
    stage.host.systemctl("enable", "--now", "psi.target")
    stage.host.wait_active(BROKER)
    return Running(stage.host)


def apply(stage: Stage, text: str) -> dict[str, object]:
    """Apply a configuration that is to succeed, and return what it says."""
    stage.configure(text)
    told: dict[str, object] = json.loads(stage.host.psictl("apply", "--json").stdout)
    return told


def logs_in(stage: Stage) -> bool:
    return stage.host.psictl("infisical", "login", check=False).returncode == 0


def test_a_comment_restarts_nothing(stage: Stage, running: Running) -> None:
    told = apply(stage, stage.config + "# a comment\n")
    assert (told["generation"], told["restarted"]) == (2, [])
    assert running.restarted() == set()
    assert stage.host.property(BROKER, "NeedDaemonReload") == "no"
    assert "/var/lib/psi-config/gen-2/broker.json" in stage.host.systemctl("cat", BROKER).stdout
    assert stage.host.psictl("status").returncode == 0


def test_what_the_broker_alone_has_new_restarts_it_alone(stage: Stage, running: Running) -> None:
    told = apply(stage, stage.config + "audit: full\n")
    assert told["restarted"] == ["broker"]
    assert running.restarted() == {BROKER}
    assert stage.host.psictl("status").returncode == 0


def test_the_broker_may_reach_this_address_and_itself(stage: Stage, running: Running) -> None:
    allowed = stage.host.property(BROKER, "IPAddressAllow").split()
    assert sorted(allowed) == sorted(["127.0.0.0/8", "::1/128", f"{stage.host.address}/32"])


def test_a_cache_brings_the_sealer_and_the_timer(stage: Stage, running: Running) -> None:
    told = apply(stage, stage.config + SOFTWARE + "\n")
    assert (told["started"], told["restarted"]) == (["sealer", TIMER], ["broker"])
    assert running.restarted() == {SEALER, BROKER}
    for unit in (SEALER, "psi-sealer.socket", "psi-sealer-ctl.socket", TIMER):
        assert stage.host.property(unit, "ActiveState") == "active"
    stage.host.psictl("cache", "init", "--no-recovery")
    assert stage.host.psictl("status").returncode == 0


def test_another_interval_is_the_timers_own(stage: Stage, running: Running) -> None:
    cache = "cache: {backend: software, refresh_interval: 2h, refresh_randomized_delay: 7s}\n"
    assert apply(stage, stage.config + cache)["restarted"] == [TIMER]
    assert running.restarted() == set()
    timers = stage.host.property(TIMER, "TimersMonotonic")
    assert timers.count("USec=2h") == 2
    assert "USec=1h" not in timers
    assert stage.host.property(TIMER, "RandomizedDelayUSec") == "7s"


def test_a_credential_that_is_missing_changes_nothing(stage: Stage, running: Running) -> None:
    stage.configure(stage.config.replace(INLINE, NAMED) + SOFTWARE + "\n")
    refused = stage.host.psictl("apply", check=False)
    assert refused.returncode == 2
    assert f"client_secret_credential: credential {CREDENTIAL} is neither in" in refused.stderr
    assert f"psictl credential set {CREDENTIAL}" in refused.stderr
    assert running.restarted() == set()


def test_a_credential_is_encrypted_and_the_broker_logs_in_by_it(
    stage: Stage, running: Running
) -> None:
    host = stage.host
    host.psictl("credential", "set", CREDENTIAL, input="the-hosts-own-credential\n")
    assert b"the-hosts-own-credential" not in host.read(ENCRYPTED)
    assert host.run(["stat", "-c", "%a %U", ENCRYPTED]).stdout.split() == ["600", "root"]
    told = apply(stage, stage.config.replace(INLINE, NAMED) + SOFTWARE + "\n")
    assert told["restarted"] == ["broker", TIMER]
    assert running.restarted() == {BROKER}
    assert logs_in(stage)
    assert "the-hosts-own-credential" not in host.systemctl("show", BROKER).stdout


def test_another_value_counts_after_a_restart(stage: Stage, running: Running) -> None:
    told = stage.host.psictl("credential", "set", CREDENTIAL, input="a wrong one")
    assert f"systemctl restart {BROKER}" in told.stdout
    stage.host.systemctl("restart", BROKER)
    assert not logs_in(stage)
    stage.host.psictl("credential", "set", CREDENTIAL, input="the-hosts-own-credential")
    stage.host.systemctl("restart", BROKER)
    assert logs_in(stage)
    assert running.restarted() == {BROKER}


def test_what_the_broker_is_given_is_not_removed(stage: Stage, running: Running) -> None:
    refused = stage.host.psictl("credential", "remove", CREDENTIAL, check=False)
    assert refused.returncode == 2
    listed = json.loads(stage.host.psictl("credential", "list", "--json").stdout)
    assert listed["credentials"] == [
        {"name": CREDENTIAL, "path": ENCRYPTED, "encrypted": True, "unit": BROKER}
    ]


def test_a_service_that_does_not_come_up_is_told_and_taken_back(
    stage: Stage, running: Running
) -> None:
    host = stage.host
    host.write("/etc/credstore.encrypted/spoiled", b"this was never encrypted", 0o600)
    spoiled = stage.config.replace(INLINE, NAMED.replace(CREDENTIAL, "spoiled"))
    stage.configure(spoiled + SOFTWARE + "\n")
    failed = host.psictl("apply", check=False)
    assert failed.returncode == 1
    assert f"{BROKER} did not get active" in failed.stderr
    assert f"journalctl -u {BROKER}" in failed.stderr
    assert "psictl apply --rollback" in failed.stderr
    host.psictl("apply", "--rollback")
    host.wait_active(BROKER)
    assert logs_in(stage)
    assert running.restarted() == {BROKER}
    edited = host.psictl("status", check=False)
    assert edited.returncode == 3
    assert "was edited since it was applied" in edited.stdout + edited.stderr


def test_a_switch_that_was_ended_midway_is_in_force_after_a_reboot(
    stage: Stage, running: Running
) -> None:
    host = stage.host
    before = host.run(["readlink", "/etc/psi/generated/current"]).stdout.strip()
    apply(stage, stage.config + "audit: full\n" + SOFTWARE + "\n")
    newest = host.run(["readlink", "/etc/psi/generated/current"]).stdout.strip()
    for link in ("current", "loaded"):
        host.run(["ln", "-sfn", before, f"/var/lib/psi-config/{link}"])
    host.reboot()
    host.wait_active(BROKER)
    credential = host.read(f"/run/credentials/{BROKER}/config.json")
    assert json.loads(credential)["audit"] == "full"
    told = host.psictl("status", check=False)
    assert "psictl apply completes it" in told.stdout + told.stderr
    host.psictl("apply")
    assert host.run(["readlink", "/var/lib/psi-config/current"]).stdout.strip() == newest
    assert host.psictl("status").returncode == 0
    assert host.failed_units() == []


def test_a_token_file_is_seen_and_cannot_be_run(stage: Stage) -> None:
    host = stage.host
    host.write(TOKEN, "eyJ.a.b", 0o644)
    auth = f"{{method: jwt, identity_id: i, jwt_file: {TOKEN}}}"
    before, _, after = stage.config.partition("auth: {")
    apply(stage, before + "auth: " + auth + after.partition("}")[2] + SOFTWARE + "\n")
    host.wait_active(BROKER)
    inside = f"/proc/{host.property(BROKER, 'MainPID')}"
    assert host.read(f"{inside}/root{TOKEN}") == b"eyJ.a.b"
    (mount,) = [
        line.split()[5]
        for line in host.read(f"{inside}/mountinfo").decode().splitlines()
        if line.split()[4] == "/run/agent"
    ]
    assert {"ro", "noexec"} <= set(mount.split(","))


def test_a_token_file_in_a_home_is_refused_with_its_line(stage: Stage) -> None:
    auth = "{method: jwt, identity_id: i, jwt_file: /home/me/token}"
    before, _, after = stage.config.partition("auth: {")
    stage.configure(before + "auth: " + auth + after.partition("}")[2])
    refused = stage.host.psictl("apply", "--check", check=False)
    assert refused.returncode == 2
    line = before.count("\n") + 1
    assert f"config.yaml:{line}: providers.infisical.auth.jwt_file: /home/me/token is hidden" in (
        refused.stderr
    )


def test_a_token_seals_by_way_of_its_module_and_pin(stage: Stage) -> None:
    host = stage.host
    host.shell(
        "softhsm2-util --init-token --free --label t --pin 1234 --so-pin 5678\n"
        f"pkcs11-tool --module {MODULE} --token-label t --login --pin 1234 --keypairgen "
        "--key-type rsa:2048 --label k --id 01\n"
        "chown -R psi-sealer:softhsm /var/lib/softhsm/tokens/*"
    )
    host.psictl("credential", "set", "hsm-pin", input="1234\n")
    told = apply(stage, stage.config + HSM)
    assert "sealer" in str(told["restarted"])
    host.psictl("cache", "init", "--force", "--no-recovery")
    assert host.psictl("status").returncode == 0
    host.psictl("setup", "--no-podman")
    for unit in (SEALER, BROKER):
        host.systemctl("restart", unit)
    status = host.psictl("cache", "status", "--verify", "--json").stdout
    assert json.loads(status)["verified"] == len(VALUES)


def test_without_a_cache_the_sealer_is_gone(stage: Stage) -> None:
    told = apply(stage, stage.config)
    assert (told["stopped"], told["restarted"]) == (["sealer", TIMER], ["broker"])
    for unit in (SEALER, "psi-sealer.socket", "psi-sealer-ctl.socket", TIMER):
        assert stage.host.property(unit, "ActiveState") == "inactive"
    assert stage.host.psictl("status").returncode == 0
    stage.host.reboot()
    stage.host.wait_active(BROKER)
    assert stage.host.property(SEALER, "ActiveState") == "inactive"
    assert stage.host.failed_units() == []
