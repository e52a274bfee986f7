"""A person's first minutes with the README: each command of "try it by hand", as written."""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import (
    EXAMPLE,
    EXAMPLE_CLIENT_ID,
    EXAMPLE_CLIENT_SECRET,
    EXAMPLE_PROJECT_ID,
)

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
COMMAND_SECONDS = 60
DEV = ".venv/bin/psictl dev --root /tmp/psi --config config.yaml --sealer software"
"""The README's second way: with it the first one's commands work alike."""


def written(start: str) -> str:
    """Return the README's command that begins so."""
    return next(line for line in README.splitlines() if line.startswith(start))


class Trial:
    """The README's folder /tmp/psi, moved to one of the test's own."""

    def __init__(self, root: Path, config: Path) -> None:
        self.root = root
        self.config = config

    def command(self, start: str) -> str:
        here = written(start).replace("/tmp/psi", str(self.root))  # noqa: S108  # the README's path
        return here.replace("config.yaml", str(self.config))

    def run(self, start: str) -> str:
        done = subprocess.run(
            ["/bin/sh", "-c", self.command(start)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def trial() -> Iterator[Trial]:
    with tempfile.TemporaryDirectory(prefix="psi-") as folder, StandIn(EXAMPLE) as infisical:
        block = re.search(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
        assert block is not None
        text = block[1].replace("https://app.infisical.com", infisical.url)
        text = re.sub(r"id: 0b1e[0-9a-f-]+", f"id: {EXAMPLE_PROJECT_ID}", text)
        text = text.replace('client_id: "…"', f'client_id: "{EXAMPLE_CLIENT_ID}"')
        text = text.replace('client_secret: "…"', f'client_secret: "{EXAMPLE_CLIENT_SECRET}"')
        config = Path(folder) / "config.yaml"
        config.write_text(text)
        config.chmod(0o600)
        trial = Trial(Path(folder) / "host", config)
        suite = subprocess.Popen(
            ["/bin/sh", "-c", "exec " + trial.command(DEV)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert suite.stdout is not None
        try:
            assert json.loads(suite.stdout.readline())["ready"] is True
            yield trial
        finally:
            suite.terminate()
            assert suite.wait(COMMAND_SECONDS) == 0


def test_setup_registers_every_secret(trial: Trial) -> None:
    entries = json.loads(trial.run(".venv/bin/psictl --root /tmp/psi setup"))
    assert {entry["workload"] for entry in entries} == {"myapp"}


def test_status_is_healthy(trial: Trial) -> None:
    assert "answers lookups" in trial.run(".venv/bin/psictl --root /tmp/psi status")


def test_status_as_json(trial: Trial) -> None:
    shown = json.loads(trial.run(".venv/bin/psictl --root /tmp/psi status --json"))
    assert (shown["schema"], shown["exit"]) == (1, 0)
    assert shown["pki"]["broker_answers"] is True
    assert {shown[name]["protocol_errors"] for name in ("broker", "sealer", "pki")} == {0}


def test_login_works(trial: Trial) -> None:
    assert "OK project:myproject" in trial.run(".venv/bin/psictl --root /tmp/psi infisical login")


def test_healthz_answers(trial: Trial) -> None:
    assert (
        trial.run("curl -sS --unix-socket /tmp/psi/run/psi/psi.sock http://localhost/h") == "ok\n"
    )


def test_metrics_are_prometheus_text(trial: Trial) -> None:
    text = trial.run("curl -sS --unix-socket /tmp/psi/run/psi/psi.sock http://localhost/m")
    assert "# TYPE psi_frontend_requests_total counter" in text


def test_cache_refresh_fills_the_cache(trial: Trial) -> None:
    trial.run(".venv/bin/psictl --root /tmp/psi cache refresh")


def test_cache_status_decrypts_and_counts(trial: Trial) -> None:
    assert "6" in trial.run(".venv/bin/psictl --root /tmp/psi cache status --verify")


def test_cache_slots_are_shown(trial: Trial) -> None:
    assert "software" in trial.run(".venv/bin/psictl --root /tmp/psi cache slots")
