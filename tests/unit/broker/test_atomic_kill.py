"""kill -9 in the midst of stores: every file is whole, what was acknowledged is there."""

import subprocess
import sys
from pathlib import Path

from psi.broker.mapping_store import MappingStore
from psi.shared.atomic_file import sweep_temporaries
from psi.shared.log import Log
from psi.shared.processes import Process
from tests.unit.broker.waiting import run

ROUNDS = 20


def _killed_after(folder: Path, first: int, lines: int) -> list[str]:
    """Run the program until it has acknowledged so many, kill it, return all it said."""
    command = [sys.executable, "-m", "tests.unit.broker.storing", str(folder), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        said += process.stdout.readlines()
    return [line.strip() for line in said if line.endswith("\n")]


async def _loaded(folder: Path) -> MappingStore:
    store = MappingStore(folder, 1_000_000, Log(Process.BROKER))
    store.load()
    return store


def test_after_kill_9_every_file_is_whole_and_acknowledged_ones_are_there(tmp_path: Path) -> None:
    expected: set[str] = set()
    unsure: set[str] = set()
    for round_number in range(ROUNDS):
        first = round_number * 10_000
        said = _killed_after(tmp_path, first, 3 + 2 * round_number)
        added = {line[1:] for line in said if line[0] == "+"}
        removed = {line[1:] for line in said if line[0] == "-"}
        expected |= added - removed
        # The last one may be on its way to be removed, and one more may have been written.
        last = max(int(name, 16) for name in added)
        unsure |= {f"{last:025x}", f"{last + 1:025x}"}
    store = run(_loaded(tmp_path))
    assert store.bad == 0
    found = {name for name, _ in store.entries()}
    assert expected - unsure <= found <= expected | unsure
    assert all(c.key == f"KEY_{int(name, 16)}" for name, c in store.entries())
    sweep_temporaries(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == found
