"""The two ways to start "a container": a real one, or Podman's driver command by hand."""

import json
import subprocess
from pathlib import Path
from typing import Protocol

from demo.stage import DemoFailure, Stage
from psictl.driver import driver_commands
from tests.fakes.podman_host.host import PodmanHost
from tests.fakes.podman_host.image import import_busybox
from tests.fakes.podman_host.trial import why_not


class Starter(Protocol):
    """Registers the workload and starts something that needs its secrets."""

    how: str
    """What was started, in a few words."""

    def register(self) -> dict[str, str]:
        """Run ``psictl setup``; return Podman's secret names and ids."""
        ...

    def start(self, names: dict[str, str]) -> dict[str, bytes]:
        """Return the variables that the started program has, by key."""
        ...


def choose_starter(stage: Stage) -> tuple[Starter, str | None]:
    """Return real Podman, or the driver command and why Podman cannot run here."""
    reason = why_not()
    return (PodmanStarter(stage), None) if reason is None else (DriverStarter(stage), reason)


class PodmanStarter:
    """A real Podman with storage of its own below the stage's folder."""

    how = "a busybox container"

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        folder = stage.folder / "podman"
        folder.mkdir()
        self._host = PodmanHost.create(folder)
        import_busybox(self._host)

    def register(self) -> dict[str, str]:
        """Register with this Podman."""
        self._stage.psictl("setup", environment=self._host.environment)
        listed = self._host.podman("secret", "ls", "--format", "{{.Name}} {{.ID}}")
        lines = listed.stdout.decode().splitlines()
        return dict(line.split() for line in lines if "--" in line)

    def start(self, names: dict[str, str]) -> dict[str, bytes]:
        """Run a container that prints its environment."""
        keys = {name: name.partition("--")[2] for name in names}
        options = [f"--secret={name},type=env,target={key}" for name, key in keys.items()]
        done = self._host.run_container(options, ["cat", "/proc/self/environ"])
        if done.returncode != 0:
            raise DemoFailure(f"the container did not start: {done.stderr.decode()}")
        pairs = (entry.partition(b"=") for entry in done.stdout.split(b"\0") if entry)
        variables = {name.decode(): value for name, _, value in pairs}
        return {key: variables.get(key, b"") for key in keys.values()}


class DriverStarter:
    """The very command that Podman would run for each secret, in a shell."""

    how = "Podman's driver command, once for each secret"

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        socket = Path(stage.root) / "run/psi/psi.sock"
        self._lookup = driver_commands(str(socket))["lookup"]

    def register(self) -> dict[str, str]:
        """Register over psi.sock, as Podman's driver would."""
        entries = json.loads(self._stage.psictl("setup", "--no-podman"))
        return {entry["name"]: entry["id"] for entry in entries}

    def start(self, names: dict[str, str]) -> dict[str, bytes]:
        """Run the lookup command for each."""
        return {name.partition("--")[2]: self._value(secret) for name, secret in names.items()}

    def _value(self, secret_id: str) -> bytes:
        done = subprocess.run(
            ["/bin/sh", "-c", self._lookup],
            env={"PATH": "/usr/bin:/bin", "SECRET_ID": secret_id},
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            raise DemoFailure(f"the driver command failed: {done.stderr.decode()}")
        return done.stdout
