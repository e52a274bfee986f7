"""The papers say what is so: commands that exist, a route table that is not stale."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from psi.shared.routes import ROUTES

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
PRIVSEP = (ROOT / "docs" / "PRIVSEP.md").read_text()

# Every command of the README, and the test that runs it as it stands there.
RUN_BY = {
    "make demo": "tests/integration/test_demo.py",
    "make test": ".ci/run",
    "make test-system": ".ci/run",
    "make install": "tests/system/installed.py",
    "make uninstall": "tests/system/test_upgrade.py",
    "psictl apply": "tests/system/test_story.py",
    "systemctl enable --now psi.target": "tests/system/test_story.py",
    "psictl cache init --recovery": "tests/system/test_story.py",
    "psictl setup": "tests/system/test_story.py",
    "systemctl restart myapp": "tests/system/container.py",
    "psictl systemd status": "tests/system/test_systemd_status.py",
    "make lint": "tests/contract/test_linters.py",
    "make bench": "tests/unit/benchmarks/test_lookup.py",
    ".venv/bin/psictl dev --root /tmp/psi --config config.yaml": "tests/integration/test_readme.py",
    ".venv/bin/psictl --root /tmp/psi setup --no-podman": "tests/integration/test_readme.py",
    ".venv/bin/psictl --root /tmp/psi status": "tests/integration/test_readme.py",
    ".venv/bin/psictl --root /tmp/psi infisical login": "tests/integration/test_readme.py",
    ".venv/bin/psictl --root /tmp/psi status --json": "tests/integration/test_readme.py",
    ".venv/bin/psictl dev --root /tmp/psi --config config.yaml --sealer software": (
        "tests/integration/test_readme.py"
    ),
    ".venv/bin/psictl --root /tmp/psi cache refresh": "tests/integration/test_readme.py",
    ".venv/bin/psictl --root /tmp/psi cache status --verify": "tests/integration/test_readme.py",
    ".venv/bin/psictl --root /tmp/psi cache slots": "tests/integration/test_readme.py",
    "curl -sS --unix-socket /tmp/psi/run/psi/psi.sock http://localhost/healthz": (
        "tests/integration/test_readme.py"
    ),
    "curl -sS --unix-socket /tmp/psi/run/psi/psi.sock http://localhost/metrics": (
        "tests/integration/test_readme.py"
    ),
}


def commands(text: str) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def test_every_command_of_the_readme_is_run_by_a_test() -> None:
    assert sorted(commands(README)) == sorted(RUN_BY)
    for place in RUN_BY.values():
        assert (ROOT / place).is_file(), place


def test_every_make_target_of_the_readme_exists() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = [shlex.split(c)[1] for c in commands(README) if c.startswith("make ")]
    assert set(named) <= set(targets)


@pytest.mark.parametrize("target", ["demo", "test", "bench", "lint"])
def test_every_target_makes_its_own_set_up(target: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert f"scripts/prepare {target}" in done.stdout


def route_table() -> str:
    """Return the table as it must stand in PRIVSEP.md."""
    head = ["| caller → server | request | reply | used by |", "|---|---|---|---|"]
    rows = [
        f"| {row.caller} → {row.server} | {row.request.__name__} | {row.reply.__name__} "
        f"| {row.used_by} |"
        for row in ROUTES
    ]
    return "\n".join([*head, *rows])


def test_the_route_table_of_the_papers_is_the_one_of_the_code() -> None:
    assert route_table() in PRIVSEP


def test_links_of_the_papers_lead_somewhere() -> None:
    for paper in (ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "docs" / "PRIVSEP.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", paper.read_text()):
            assert (paper.parent / target).exists(), f"{paper.name}: {target}"
