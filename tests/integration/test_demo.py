"""``make demo`` in one command, twice: a real container gets its variables."""

import os
import subprocess
from pathlib import Path

from tests.fakes.podman_host.trial import why_not

ROOT = Path(__file__).resolve().parents[2]
DEMO_SECONDS = 120
"""It takes about 5 s; a machine under load many times that."""


def run_demo() -> str:
    done = subprocess.run(
        ["make", "demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEMO_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def left_behind() -> set[Path]:
    return set(Path("/tmp").glob("psi-demo-*"))  # noqa: S108  # where the demo is


def test_demo_starts_a_real_container_and_a_second_run_works() -> None:
    before = left_behind()
    for _ in range(2):
        story = run_demo()
        assert "All steps held" in story
        assert story.count("proved: 6 values came byte for byte") == 2
        assert ("busybox container" in story) == (why_not() is None)
    assert left_behind() <= before


def test_demo_without_podman_runs_the_driver_command_and_says_so(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "make", "curl", "python3", "cat", "sha256sum", "id", "dirname", "env"):
        found = next(
            Path(folder) / name
            for folder in os.environ["PATH"].split(":")
            if (Path(folder) / name).exists()
        )
        (programs / name).symlink_to(found)
    done = subprocess.run(
        [str(ROOT / ".venv/bin/python"), "-m", "demo"],
        cwd=ROOT,
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        timeout=DEMO_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Podman cannot run here" in done.stdout
    assert "Podman's driver command, once for each secret" in done.stdout
    assert done.stdout.count("proved: 6 values came byte for byte") == 2
