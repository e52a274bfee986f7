"""Whatever ends or fails ``apply``, and wherever: the old generation is in force, or the new."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from psictl.layout import Layout
from tests.unit.apply import fault_driver
from tests.unit.apply.conftest import VALID
from tests.unit.apply.in_force import in_force

FAILED, UNTOUCHED, KILLED = fault_driver.FAILED, fault_driver.UNTOUCHED, -9
FEWEST_STEPS = {"dev": 12, "host": 30}
"""The lock, folders, files, renames, links and the reads before: fewer means that the driver no
longer sees them."""
SEALED = "cache: {backend: tpm}\n"
"""With it the new generation needs the host secret, which is made in the run that fails; on a host
also two more drop-ins and links, and a sealer that has to be started."""
PLACES = ["dev", "host"]
MEMORY = Path("/dev/shm")  # noqa: S108  # nothing predictable is made in it


@pytest.fixture
def layout() -> Iterator[Layout]:
    """Return a root in memory: a driver syncs thousands of files, and no power fails here."""
    with tempfile.TemporaryDirectory(prefix="psi-", dir=MEMORY) as folder:
        yield Layout(Path(folder))


def _outcomes(
    place: str, fault: str, layout: Layout, tmp_path: Path, added: tuple[str, str] = ("", "")
) -> list[fault_driver.Outcome]:
    configs = []
    for name, more in zip(("old", "new"), added, strict=True):
        path = tmp_path / f"{name}.yaml"
        path.write_text(VALID.replace("  web:", f"  {name}:") + more)
        configs.append(str(path))
    command = [sys.executable, "-m", fault_driver.__name__, place, fault, str(layout.root)]
    done = subprocess.run([*command, *configs], capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return [(code, after, again) for code, after, again in json.loads(done.stdout)]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("added", [("", ""), ("", SEALED), (SEALED, "")])
def test_a_kill_at_any_step_leaves_old_or_new(
    layout: Layout, tmp_path: Path, place: str, added: tuple[str, str]
) -> None:
    *killed, last = _outcomes(place, "kill", layout, tmp_path, added)
    assert last == (UNTOUCHED, "new", "new")
    assert len(killed) >= FEWEST_STEPS[place]
    assert set(killed) == {(KILLED, "old", "new"), (KILLED, "new", "new")}


@pytest.mark.parametrize(
    ("place", "added", "fault"),
    [
        ("dev", ("", ""), "read-only"),
        *(("dev", ("", SEALED), fault) for fault in ("space", "denied")),
        *(("host", ("", SEALED), fault) for fault in ("space", "denied")),
    ],
)
def test_an_error_at_any_step_is_told_or_overcome(
    layout: Layout, tmp_path: Path, fault: str, added: tuple[str, str], place: str
) -> None:
    *failed, last = _outcomes(place, fault, layout, tmp_path, added)
    assert last == (UNTOUCHED, "new", "new")
    assert len(failed) >= FEWEST_STEPS[place]
    # Overcome: what cannot be read counts as damaged and is replaced, and a generation that
    # cannot be removed is a notice. On a host something may also fail behind the switch.
    expected = {(FAILED, "old", "new"), (0, "new", "new")}
    assert set(failed) == expected | ({(FAILED, "new", "new")} if place == "host" else set())


@pytest.mark.parametrize("place", PLACES)
def test_a_file_that_cannot_be_written_whole_changes_nothing(
    layout: Layout, tmp_path: Path, place: str
) -> None:
    assert _outcomes(place, "short", layout, tmp_path) == [(FAILED, "old", "new")]


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
    assert in_force(layout) in {"a", "b"}
    names = {path.name for path in layout.config_dir.iterdir()}
    assert {".building", ".current-new"}.isdisjoint(names)
    assert len([name for name in names if name.startswith("gen-")]) == 3
