"""scripts/install and scripts/wheelhouse: what they refuse; a booted host runs the rest."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.install.programs import write_program
from tests.unit.shared.source_tree import ROOT

NOBODY = 65534


def script(name: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [ROOT / "scripts" / name, *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def identity(tmp_path: Path) -> str:
    """Return a PATH on which id says that nobody runs this."""
    write_program(tmp_path / "bin", "id", f"echo {NOBODY}")
    return f"{tmp_path}/bin:{os.environ['PATH']}"


def test_who_is_not_root_is_told_so(identity: str) -> None:
    done = script("install", PATH=identity)
    assert done.returncode == 1
    assert done.stderr == "run this as root: sudo make install\n"


def test_a_wheelhouse_that_is_not_there_is_refused(tmp_path: Path, identity: str) -> None:
    done = script("install", PATH=identity, WHEELHOUSE=str(tmp_path / "nowhere"))
    assert done.returncode == 2
    assert "nowhere" in done.stderr


def test_a_wheelhouse_needs_a_folder() -> None:
    done = script("wheelhouse")
    assert done.returncode != 0
    assert "usage: scripts/wheelhouse DIR" in done.stderr


def test_a_wheelhouse_without_a_compiler_says_what_is_missing(tmp_path: Path) -> None:
    """With only the shell's own programs on the PATH."""
    for name in ("mkdir", "dirname"):
        (tmp_path / name).symlink_to(f"/bin/{name}")
    done = script("wheelhouse", str(tmp_path / "wheels"), PATH=str(tmp_path))
    assert done.returncode == 1
    assert "missing: apt-get install --no-install-recommends" in done.stderr
    assert "gcc libc6-dev pkg-config libtss2-dev" in done.stderr
    assert list((tmp_path / "wheels").iterdir()) == []


@pytest.mark.parametrize("name", ["install", "wheelhouse"])
def test_a_script_is_one_for_any_shell(name: str) -> None:
    subprocess.run(["sh", "-n", ROOT / "scripts" / name], check=True)
    assert (ROOT / "scripts" / name).stat().st_mode & 0o111
