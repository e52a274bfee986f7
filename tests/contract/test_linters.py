"""The checks of ``make lint`` as tests; the import contracts are in test_imports.py."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_SECONDS = 300
"""mypy without its cache, on a slow machine."""


def run(tool: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one of the environment's tools over the repository."""
    return subprocess.run(
        [Path(sys.executable).with_name(tool), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


@pytest.mark.parametrize(
    "command", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]], ids=" ".join
)
def test_a_linter_has_nothing_to_say(command: Sequence[str]) -> None:
    done = run(*command)
    assert done.returncode == 0, done.stdout


def test_ruff_uses_this_configuration(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text('"""Bad."""\n\nprint(eval(input()))\n')
    done = run("ruff", "check", "--no-cache", "--config", ROOT / "pyproject.toml", tmp_path)
    assert done.returncode == 1
    assert "S307" in done.stdout


def test_mypy_is_strict(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text('"""Bad."""\n\n\ndef untyped(x):\n    """Take anything."""\n    return x\n')
    done = run("mypy", "--config-file", ROOT / "pyproject.toml", "--no-incremental", bad)
    assert done.returncode == 1
    assert "no-untyped-def" in done.stdout
