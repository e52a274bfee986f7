"""Row 25: a broker that dies with values in its memory leaves none of it behind.

What the kernel would write is shown by a process of our own that dies with a canary, and the
search for what is left is proven on what that one leaves.
"""

import re
from pathlib import Path

import pytest

from tests.fakes import process_memory
from tests.system.host import Host
from tests.system.probe.outcome import Attempt, got
from tests.system.probe.runs import FOLDER
from tests.system.walls.canaries import served
from tests.system.walls.places import SEALED, VALUE
from tests.system.walls.wall import SANDBOXES, SERVICES, Wall, all_of, each, wall
from tests.system.walls.walled import Walled

BROKER = "psi-broker.service"
PLACE = "/var/tmp/probe-crash"  # noqa: S108  # made by root
WORDS = "/root/canaries"
"""Outside of where is searched."""
DIED = "canary-of-one-that-died-c41e"
_PATTERN = Path("/proc/sys/kernel/core_pattern")
_DIES = "import os; canary = bytes(reversed(b'%s')); os.kill(os.getpid(), 11)"
"""What stands in the arguments is the canary backwards."""
_LOOK = """\
import sys
sys.path.insert(0, "%s")
from process_memory import memory_holds
print(memory_holds(int(sys.argv[1]), sys.stdin.buffer.read()))
"""
_CORES = "find / /run /tmp -xdev -type f -newer %s -name '%s*' -not -name '*.py*'"
_FILES = """\
find /var /run /tmp /etc/psi/generated /usr/lib/psi -xdev -type f -exec grep -lF -f %s {} + || :
"""
ROW_25 = [
    wall("limit", "Max core file size", walled=all_of(SANDBOXES, got(["0", "0"]))),
    wall("read", "/proc/self/coredump_filter", walled=all_of(SANDBOXES, got("00000000\n"))),
]
WALLS: list[Wall] = ROW_25
TRIED: dict[str, list[Attempt]] = {}


@each(*ROW_25)
def test_25_no_one_may_leave_a_core_and_it_would_be_empty(
    walled: Walled, wall: Wall, who: str
) -> None:
    walled.check(wall, who)


@pytest.mark.parametrize("who", SERVICES)
def test_25_no_memory_of_a_service_is_swapped(walled: Walled, who: str) -> None:
    assert walled.host.property(f"psi-{who}.service", "MemorySwapMax") == "0"


def cores(host: Host, since: str) -> list[str]:
    name = re.sub(r"%.", "*", Path(core_pattern()).name)
    return host.shell(_CORES % (since, name)).stdout.split()


def core_pattern() -> str:
    """Return how the kernel calls a core; it has one pattern for all that runs on the machine.

    Raises:
        AssertionError: when a handler takes them, of which the host would see nothing.

    """
    pattern = _PATTERN.read_text().strip()
    assert pattern[0] not in "|@", f"set kernel.core_pattern=core for this test; it is {pattern}"
    return pattern


def files_with(host: Host, *canaries: str) -> list[str]:
    host.write(WORDS, "".join(f"{canary}\n" for canary in canaries))
    return host.shell(_FILES % WORDS).stdout.split()


def die_of_a_signal(host: Host, *properties: str) -> str:
    """Let a process die as the broker will, in a folder of its own; return the folder."""
    folder = f"{PLACE}/{len(properties)}"
    host.run(["mkdir", "-p", folder])
    options = [f"--property={text}" for text in ("LimitCORE=infinity", *properties)]
    argv = ["systemd-run", "--wait", "--collect", f"--working-directory={folder}", *options]
    script = _DIES % DIED[::-1]
    assert host.run([*argv, "/usr/bin/python3", "-I", "-c", script], check=False).returncode != 0
    return folder


def memory_of_broker_holds(host: Host, canary: str) -> bool:
    host.write(f"{FOLDER}/process_memory.py", Path(process_memory.__file__).read_bytes())
    pid = host.property(BROKER, "MainPID")
    argv = ["python3", "-I", "-c", _LOOK % FOLDER, pid]
    return host.run(argv, input=canary).stdout == "True\n"


def test_25_what_dies_with_the_units_filter_leaves_an_empty_core(walled: Walled) -> None:
    """Also where a handler takes the core in spite of the limit (core(5), "Piping core dumps")."""
    host = walled.host
    host.run(["mkdir", "-p", PLACE])
    host.write(f"{PLACE}/start", "")
    whole, filtered = die_of_a_signal(host), die_of_a_signal(host, "CoredumpFilter=0x0")
    left = cores(host, f"{PLACE}/start")
    assert sorted(str(Path(core).parent) for core in left) == [whole, filtered]
    assert files_with(host, DIED) == [core for core in left if core.startswith(whole)]
    host.run(["rm", "-r", PLACE])


def test_25_a_broker_that_dies_with_values_leaves_none(walled: Walled) -> None:
    host = walled.host
    assert served(host)
    assert memory_of_broker_holds(host, VALUE)
    host.run(["mkdir", "-p", PLACE])
    host.write(f"{PLACE}/start", "")
    died = host.property(BROKER, "MainPID")
    host.systemctl("kill", "--kill-whom=main", "--signal=SEGV", BROKER)
    host.wait(lambda: host.property(BROKER, "MainPID") not in {died, "0"}, "a new broker")
    assert "status=11/SEGV" in host.journal(BROKER)
    assert cores(host, f"{PLACE}/start") == []
    assert files_with(host, VALUE, SEALED) == []
    assert served(host)
    host.run(["rm", "-r", PLACE])
