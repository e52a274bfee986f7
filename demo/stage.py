"""What the demo runs on: an example Infisical, the suite on a development host, a Podman."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Self

from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import (
    EXAMPLE,
    EXAMPLE_CLIENT_ID,
    EXAMPLE_CLIENT_SECRET,
    EXAMPLE_PROJECT_ID,
)

PSICTL = [sys.executable, "-m", "psictl"]
STOP_SECONDS = 20
"""The suite drains for a few seconds at most."""
_CONFIG = """\
providers:
  infisical:
    api_url: {url}
    projects:
      myproject:
        id: {project}
        environment: prod
        auth: {{method: universal-auth, client_id: "{client_id}", client_secret: "{secret}"}}
cache: {{backend: memory}}
workloads:
  myapp:
    provider: infisical
    secrets: [{{project: myproject, path: /myapp}}]
"""


class DemoFailure(Exception):
    """A step did not show what it should; the text says what was seen."""


def example_values() -> dict[str, bytes]:
    """Return what the example Infisical holds for the workload ``myapp``, by key."""
    project = EXAMPLE.projects[0]
    return {
        secret["key"]: secret["value"].encode()
        for secret in project.secrets
        if (secret["environment"], secret["path"]) == ("prod", "/myapp")
    }


class Stage:
    """A folder with everything in it; a context manager that leaves nothing running."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "host"
        self.config = folder / "config.yaml"
        self.log = folder / "suite.log"
        self.infisical = StandIn(EXAMPLE)
        self.ready: dict[str, Any] = {}
        self._serving = False
        self._suite: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.infisical.start()
        self._serving = True
        self.config.write_text(
            _CONFIG.format(
                url=self.infisical.url,
                project=EXAMPLE_PROJECT_ID,
                client_id=EXAMPLE_CLIENT_ID,
                secret=EXAMPLE_CLIENT_SECRET,
            )
        )
        self.config.chmod(0o600)
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._suite is not None:
            self._suite.terminate()
            self._suite.wait(STOP_SECONDS)
        self.stop_infisical()

    def stop_infisical(self) -> None:
        """End the example Infisical; a second time does nothing."""
        if self._serving:
            self._serving = False
            self.infisical.stop()

    def start_suite(self) -> None:
        """Run ``psictl dev`` until the stage ends; raises DemoFailure when it is not ready."""
        command = [*PSICTL, "dev", "--root", str(self.root), "--config", str(self.config)]
        with self.log.open("wb") as log:
            self._suite = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._suite.stdout is not None  # noqa: S101  # asked for above
        line = self._suite.stdout.readline()
        if not line:
            raise DemoFailure(f"psictl dev did not start: {self.log.read_text()}")
        self.ready = json.loads(line)

    def psictl(self, *arguments: str, environment: dict[str, str] | None = None) -> str:
        """Run psictl against the development host and return its output."""
        command = [*PSICTL, "--root", str(self.root), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode != 0:
            raise DemoFailure(
                f"psictl {' '.join(arguments)} ended with {done.returncode}: {done.stderr}"
            )
        return done.stdout

    @property
    def config_excerpt(self) -> str:
        """The workload's part of the configuration."""
        text = self.config.read_text()
        return textwrap.dedent(text[text.index("workloads:") :]).strip()
