"""The hosts that the other tests stand on: what they keep, and that nothing of them stays."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.ability import Lack, may_skip
from tests.system.host import Host
from tests.system.root_folder import root_folder
from tests.system.slot import Slot
from tests.system.suite import TRIXIE

STRANDED = """
import time
from tests.system.host import Host
from tests.system.root_folder import root_folder
from tests.system.suite import TRIXIE
host = Host(TRIXIE, [root_folder(TRIXIE)]).start()
print(host.leader, host.written, flush=True)
time.sleep(600)
"""


def runs(pid: str) -> bool:
    """Tell whether a process lives, be it that nobody has asked how it ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


@pytest.fixture(scope="module")
def plain() -> Iterator[Host]:
    with Host(TRIXIE, [root_folder(TRIXIE)]) as host:
        yield host


def test_it_runs_its_own_systemd_and_nothing_failed(plain: Host) -> None:
    assert plain.run(["systemctl", "is-system-running"]).stdout == "running\n"
    assert plain.failed_units() == []


def test_a_command_s_failure_is_told(plain: Host) -> None:
    assert plain.run(["cat"], input="through\n").stdout == "through\n"
    assert plain.run(["id", "--user", "--name"], user="nobody").stdout == "nobody\n"
    with pytest.raises(AssertionError, match=r"exit code 3\nstdout: said so"):
        plain.shell("echo said so; exit 3")


def test_what_was_written_stays_over_a_reboot_and_a_loss_of_power(plain: Host) -> None:
    plain.write("/etc/kept", b"\0bytes", 0o640)
    first = plain.read("/proc/sys/kernel/random/boot_id")
    plain.reboot()
    assert plain.read("/etc/kept") == b"\0bytes"
    assert plain.read("/proc/sys/kernel/random/boot_id") != first
    plain.kill()
    plain.start()
    assert plain.run(["stat", "--format=%a", "/etc/kept"]).stdout == "640\n"


def test_two_hosts_share_nothing(plain: Host) -> None:
    with Host(TRIXIE, plain.layers) as other:
        other.write("/etc/other", "")
        assert plain.run(["test", "-e", "/etc/other"], check=False).returncode == 1
        assert not (plain.layers[-1] / "etc/other").exists()
        assert plain.own_address != other.own_address


def test_what_a_killed_run_left_is_ended_and_removed(plain: Host) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", STRANDED], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert child.stdout is not None
    leader, _, written = child.stdout.readline().decode().strip().partition(" ")
    assert runs(leader)
    child.kill()
    child.communicate()
    assert Path(written).exists()
    Slot.sweep_all()
    assert not runs(leader)
    assert not Path(written).exists()
    assert plain.failed_units() == []


def test_only_what_is_named_is_skipped() -> None:
    found = Lack("cgroup2", "why")
    assert may_skip(found, "root, cgroup2")
    assert may_skip(found, "all")
    assert not may_skip(found, "root")
    assert not may_skip(found, "")
