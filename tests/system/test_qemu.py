"""A host with a real TPM device: a Debian 13 guest of QEMU, booted twice.

What systemd-nspawn cannot show: DeviceAllow= on ``/dev/tpmrm0``, PCRs and a reboot with them,
systemd-creds with the TPM, limits of memory, swap and tasks, the watchdog. The guest tells what it
saw (tests/system/qemu/guest); each test here holds one claim against it.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.system.ability import SKIP_VARIABLE, may_skip
from tests.system.installed import installed_layers
from tests.system.qemu.findings import Findings
from tests.system.qemu.kernel import kernel
from tests.system.qemu.machine import Machine, lack
from tests.system.suite import TRIXIE

SERVICES: Final = ("frontend", "broker", "sealer", "pki")
VALUE: Final = "correct-horse-battery-staple"
"""Of DB_PASSWORD in the stand-in's example."""
BOUNDS: Final = {"frontend": 0.2, "pki": 0.2, "sealer": 0.2, "broker": 0.9}
"""Of systemd 257's exposure level, as the units' own tests have it."""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """Make a guest with PSI installed, not configured."""
    found = lack()
    if found is not None and may_skip(found, os.environ.get(SKIP_VARIABLE, "")):
        pytest.skip(f"{SKIP_VARIABLE}: {found.name}: {found.reason}")
    if found is not None:
        pytest.fail(
            f"no guest can run here: {found.reason}\n({SKIP_VARIABLE}={found.name} skips these)",
            pytrace=False,
        )
    with Machine(kernel(TRIXIE), installed_layers(TRIXIE)) as machine:
        yield machine


@pytest.fixture(scope="module")
def first(machine: Machine) -> Findings:
    """Return what the first boot saw: PSI configured, used, and tried from all sides."""
    return machine.boot("first")


@pytest.fixture(scope="module")
def second(machine: Machine, first: Findings) -> Findings:
    """Return what the second boot saw: what is there again, and another boot state."""
    return machine.boot("second")


def test_a_machine_without_the_programs_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = lack()
    assert found is not None
    assert found.name == "qemu"
    assert "e2fsprogs qemu-system-x86 swtpm" in found.reason


# The cache that the TPM protects.


def test_apply_gives_the_device_to_the_sealer_alone(first: Findings) -> None:
    derived = first["apply"]
    sealer, broker = derived["sealer"], derived["broker"]
    assert "/dev/tpmrm0 rw" in sealer["DeviceAllow"].splitlines()
    assert "/dev/tpmrm0" in sealer["BindPaths"]
    assert sealer["SupplementaryGroups"] == "tss"
    assert "/dev/tpm" not in broker["DeviceAllow"] + broker["BindPaths"]
    assert broker["SupplementaryGroups"] == ""


@pytest.mark.parametrize("process", SERVICES)
def test_a_running_service_is_in_its_sandbox(first: Findings, process: str) -> None:
    seen = first["start"][process]
    assert seen["Seccomp"] == "2"
    assert seen["NoNewPrivs"] == "1"
    assert int(seen["CapEff"], 16) == int(seen["CapBnd"], 16) == 0
    assert seen["MemoryDenyWriteExecute"] == "yes"


def test_the_sealer_makes_its_key_with_the_tpm(first: Findings) -> None:
    assert "wrapped by tpm" in first["provision"]["told"]


def test_the_cache_lies_sealed_on_disk(first: Findings) -> None:
    seen = first["fill"]
    assert seen["stored"] == 200
    assert seen["lookup"] == {"status": 200, "value": VALUE, "reason": ""}
    assert seen["bytes"] > 0
    assert not seen["in_clear"]


def test_sealer_and_broker_open_it_again_in_an_outage(first: Findings) -> None:
    seen = first["restart"]
    assert seen["lookup"] == {"status": 200, "value": VALUE, "reason": ""}
    assert seen["cache"]["backend"] == "tpm"
    assert seen["cache"]["sealer"] == "open"
    assert seen["cache"]["verified"] == seen["cache"]["entries"] > 0


def test_it_opens_after_a_reboot_with_the_same_boot_state(
    first: Findings, second: Findings
) -> None:
    seen = second["reboot"]
    assert seen["pcr"] == first["pcr"]["value"]
    assert seen["failed"] == []
    assert seen["lookup"] == {"status": 200, "value": VALUE, "reason": ""}
    assert seen["cache"]["sealer"] == "open"
    assert seen["cache"]["verified"] == seen["cache"]["entries"] > 0


def test_it_does_not_open_in_another_boot_state_and_says_why(second: Findings) -> None:
    seen = second["boot-state"]
    assert seen["changed"]
    assert seen["exit"] == 3
    told = " ".join(seen["status"]["problems"])
    assert "boot-state" in told
    assert "PCR 7" in told
    assert "psictl cache recover" in told
    assert seen["status"]["cache"]["state"] == "unreadable"
    assert seen["status"]["cache"]["entries"] == 0


# Devices.


@pytest.mark.parametrize("process", ["frontend", "broker", "pki"])
@pytest.mark.parametrize("device", ["/dev/tpmrm0", "/dev/tpm0"])
def test_nobody_but_the_sealer_sees_a_tpm(first: Findings, process: str, device: str) -> None:
    assert _trial(first, process, "open")[device] == "ENOENT"


def test_the_sealer_opens_the_tpm(first: Findings) -> None:
    assert _trial(first, "sealer", "open")["/dev/tpmrm0"] == "opened"


def test_a_sealed_credential_adds_the_tpm_to_the_brokers_device_list(first: Findings) -> None:
    """So its own /dev and its groups must hold: shown the node, only that broker opens it."""
    assert "char-tpm rw" in first["apply"]["broker"]["DeviceAllow"].splitlines()
    assert _trial(first, "broker-shown", "open")["/dev/tpmrm0"] == "opened"
    assert _trial(first, "broker-bare-shown", "open")["/dev/tpmrm0"] == "EPERM"


@pytest.mark.parametrize("process", SERVICES)
def test_no_service_opens_a_device_that_is_not_its_own(first: Findings, process: str) -> None:
    """The disk, bound into its /dev and open to all users."""
    assert _trial(first, process, "open")["/dev/psi-test-disk"] == "EPERM"


def test_the_same_device_opens_where_the_unit_allows_it(first: Findings) -> None:
    assert _trial(first, "sealer-allowed", "open")["/dev/psi-test-disk"] == "opened"


# Credentials.


def test_a_credential_opens_with_this_tpm_alone(first: Findings) -> None:
    seen = first["credential"]
    assert seen["opened"]
    assert not seen["opened_without_tpm"]
    assert not seen["in_clear"]
    assert seen["mode"] == "0o600"


def test_the_broker_logs_in_with_a_credential_sealed_by_the_tpm(first: Findings) -> None:
    """The value came live: the stand-in takes this secret alone."""
    assert first["fill"]["logins"] == 1
    assert first["fill"]["lookup"]["value"] == VALUE


def test_the_broker_starts_with_it_in_another_boot_state(second: Findings) -> None:
    """What is bound to the boot state is the cache; live lookups go on."""
    assert second["boot-state"]["changed"]
    assert second["boot-state"]["broker"] == "active"


# Limits.


@pytest.mark.parametrize("process", SERVICES)
def test_memory_beyond_the_limit_is_not_had(first: Findings, process: str) -> None:
    """Its last word is that it has nearly as much as it may."""
    limit = first["walls"]["limits"][process]["memory"]
    filled = _trial(first, process, "fill")["filled"]
    assert limit * 0.8 < filled < limit
    assert _trial(first, process, "child-fills")["child"] == -signal.SIGKILL


@pytest.mark.parametrize("process", SERVICES)
def test_a_service_that_took_too_much_memory_is_stopped_as_a_whole(
    first: Findings, process: str
) -> None:
    assert _trial(first, process, "child-fills")["stopped"]
    assert _result(first, process) == "oom-kill"


def test_without_the_policy_it_would_go_on(first: Findings) -> None:
    seen = _trial(first, "pki-goes-on", "child-fills")
    assert seen == {"child": -signal.SIGKILL, "stopped": False}
    assert _result(first, "pki-goes-on") == "success"


@pytest.mark.parametrize("process", SERVICES)
def test_a_service_starts_as_many_tasks_as_it_may_and_no_more(
    first: Findings, process: str
) -> None:
    limit = first["walls"]["limits"][process]["tasks"]
    seen = _trial(first, process, "tasks")
    assert seen["running"] == limit
    assert seen["refusal"] == "can't start new thread"


@pytest.mark.parametrize("process", SERVICES)
def test_nothing_of_a_service_is_swapped_out(first: Findings, process: str) -> None:
    assert _trial(first, process, "page-out")["swapped"] == 0


def test_without_the_limit_it_would_be_swapped_out(first: Findings) -> None:
    assert _trial(first, "sealer-allowed", "page-out")["swapped"] > 0


# The watchdog.


@pytest.mark.parametrize("process", ["frontend", "pki"])
def test_a_service_that_hangs_is_killed_and_started_anew(first: Findings, process: str) -> None:
    seen = first["watchdog"]
    before, after = seen["before"][process], seen["after"][process]
    told = " ".join(seen["told"][process])
    assert "Watchdog timeout (limit 30s)" in told
    assert "status=9/KILL" in told
    assert "SIGABRT" not in told
    assert after["ActiveState"] == "active"
    assert after["MainPID"] != before["MainPID"]
    assert int(after["NRestarts"]) > int(before["NRestarts"])


@pytest.mark.parametrize("process", ["broker", "sealer"])
def test_a_service_that_does_not_hang_is_left_alone(first: Findings, process: str) -> None:
    seen = first["watchdog"]
    assert seen["before"][process]["WatchdogUSec"] == "30s"
    assert seen["after"][process] == seen["before"][process]


def test_the_sockets_survive_the_watchdog(first: Findings) -> None:
    seen = first["watchdog"]
    assert seen["sockets_after"] == seen["sockets_before"]
    assert {each["ActiveState"] for each in seen["sockets_after"].values()} == {"active"}


def test_a_lookup_sent_while_the_frontend_hung_is_answered(first: Findings) -> None:
    assert first["watchdog"]["answer"] == {"status": 200, "value": VALUE, "reason": ""}


# What systemd makes of it.


@pytest.mark.parametrize("process", SERVICES)
def test_exposure_of_a_running_service(first: Findings, process: str) -> None:
    assert first["exposures"][process] <= BOUNDS[process]


def _trial(findings: Findings, probe: str, trial: str) -> dict[str, Any]:
    trials: dict[str, dict[str, Any]] = findings["walls"]["probes"][probe]["trials"]
    return trials[trial]


def _result(findings: Findings, probe: str) -> str:
    return str(findings["walls"]["probes"][probe]["result"])
