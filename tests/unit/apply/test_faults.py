"""Whatever ends or fails ``apply``, and wherever: the old generation is in force, or the new."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from psictl.layout import Layout
from tests.unit.apply import fault_driver
from tests.unit.apply.conftest import VALID

FAILED, UNTOUCHED, KILLED = fault_driver.FAILED, fault_driver.UNTOUCHED, -9
FEWEST_STEPS = 12
"""The lock, a folder, two files, two renames, a link and the reads before: fewer means that the
driver no longer sees them."""


SEALED = "cache: {backend: tpm}\n"
"""With it the new generation needs the host secret, which is made in the run that fails."""


def _outcomes(
    fault: str, layout: Layout, tmp_path: Path, added: str = ""
) -> list[fault_driver.Outcome]:
    configs = []
    for name in ("old", "new"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(VALID.replace("  web:", f"  {name}:") + (added if name == "new" else ""))
        configs.append(str(path))
    command = [sys.executable, fault_driver.__file__, fault, str(layout.root), *configs]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    return [(code, after, again) for code, after, again in json.loads(done.stdout)]


@pytest.mark.parametrize("added", ["", SEALED])
def test_a_kill_at_any_step_leaves_old_or_new(layout: Layout, tmp_path: Path, added: str) -> None:
    *killed, last = _outcomes("kill", layout, tmp_path, added)
    assert last == (UNTOUCHED, "new", "new")
    assert len(killed) >= FEWEST_STEPS
    assert set(killed) == {(KILLED, "old", "new"), (KILLED, "new", "new")}


@pytest.mark.parametrize("added", ["", SEALED])
@pytest.mark.parametrize("fault", ["space", "read-only", "denied"])
def test_an_error_at_any_step_is_told_or_overcome(
    layout: Layout, tmp_path: Path, fault: str, added: str
) -> None:
    *failed, last = _outcomes(fault, layout, tmp_path, added)
    assert last == (UNTOUCHED, "new", "new")
    assert len(failed) >= FEWEST_STEPS
    # Overcome: what cannot be read counts as damaged and is replaced, and a generation that
    # cannot be removed is a notice.
    assert set(failed) == {(FAILED, "old", "new"), (0, "new", "new")}


def test_a_file_that_cannot_be_written_whole_changes_nothing(
    layout: Layout, tmp_path: Path
) -> None:
    assert _outcomes("short", layout, tmp_path) == [(FAILED, "old", "new")]


def test_two_at_once_leave_a_whole_generation(layout: Layout, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from psictl.apply import apply;"
        "from psictl.layout import Layout;"
        "[apply(Path(sys.argv[2 + n % 2]), Layout(Path(sys.argv[1]))) for n in range(10)]"
    )
    configs = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(VALID.replace("  web:", f"  {name}:"))
        configs.append(str(path))
    orders = (configs, configs[::-1], configs)
    runs = [
        subprocess.Popen([sys.executable, "-c", code, str(layout.root), *order]) for order in orders
    ]
    assert [run.wait(timeout=60) for run in runs] == [0, 0, 0]
    assert fault_driver.in_force(layout) in {"a", "b"}
    names = {path.name for path in layout.config_dir.iterdir()}
    assert {".building", ".current-new"}.isdisjoint(names)
    assert len([name for name in names if name.startswith("gen-")]) == 3
