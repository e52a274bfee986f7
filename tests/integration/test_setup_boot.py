"""``psictl setup --boot`` against the real services, as after a reboot: who is asked, who waits.

Each test restarts what it needs; the host, its cache and Podman's secrets stay between them.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from psictl.layout import Layout
from tests.fakes.broker.host import COMMAND_SECONDS, PODMAN, Ended
from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed

PROJECT_ID = "3f2b8c1e-5a47-4f0e-9b6d-0c9a7e4d2b10"
CONFIG = """\
providers:
  infisical:
    api_url: {url}
    auth: {{method: universal-auth, client_id: host, client_secret: right}}
    projects:
      main: {{id: {project}, environment: prod}}
cache: {{backend: software}}
workloads:
  myapp:
    secrets: [{{project: main, path: /myapp}}]
"""
FRESH = "  fresh:\n    secrets: [{project: main, path: /fresh}]\n"
LIMITS = {
    "miss_seconds": 4, "upstream_seconds": 2, "retry_patience_seconds": 1,
    "boot_grace_seconds": 0.01, "cache_write_seconds": 0.02,
}  # fmt: skip  # so that what hangs ends within the test
VALUES = {"A": "value a", "B": "value b", "C": "value c"}


class Machine:
    """A host that is set up, and can be booted again."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="psi-", dir="/tmp"))  # sockets: short paths
        self.root = self.folder / "root"
        self.layout = Layout(self.root)
        project = ProjectSeed(PROJECT_ID, "main").secrets_at("prod", "/myapp", **VALUES)
        project.secrets_at("prod", "/fresh", F="fresh")
        self.infisical = StandIn(Seed([IdentitySeed("host", "right")], [project]))
        self.dev: subprocess.Popen[bytes] | None = None
        self.limits = self.folder / "limits.json"
        self.limits.write_text(json.dumps(LIMITS))
        self.config = self.folder / "config.yaml"
        program = self.folder / "bin" / "podman"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {PODMAN} "$@"\n')
        program.chmod(0o755)
        self.environment = dict(os.environ) | {
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "FAKE_PODMAN_DIR": str(self.folder / "podman"),
        }

    def __enter__(self) -> Self:
        self.infisical.start()
        self.configure("")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.infisical.__exit__(None, None, None)
        shutil.rmtree(self.folder)

    def configure(self, more: str) -> None:
        self.config.write_text(CONFIG.format(url=self.infisical.url, project=PROJECT_ID) + more)
        self.config.chmod(0o600)

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.dev = subprocess.Popen(
                [sys.executable, "-m", "psictl", "dev", "--root", str(self.root), "--config",
                 str(self.config), "--sealer", "software", "--limits", str(self.limits)],
                stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip  # one command line
        assert self.dev.stdout is not None
        assert json.loads(self.dev.stdout.readline())["ready"] is True

    def stop(self) -> None:
        assert self.dev is not None
        self.dev.send_signal(signal.SIGTERM)
        self.dev.communicate(timeout=COMMAND_SECONDS)

    def reboot(self) -> None:
        self.stop()
        self.start()

    def spawn(self, *argv: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            argv, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def psictl(self, *arguments: str) -> Ended:
        process = self.spawn(sys.executable, "-m", "psictl", "--root", str(self.root), *arguments)
        out, err = process.communicate(timeout=COMMAND_SECONDS)
        assert b"Traceback" not in err
        return Ended(process.returncode, out, err.decode())

    def container(self) -> "subprocess.Popen[bytes]":
        """Begin to start a container: Podman holds its lock while it looks the secrets up."""
        uses = [f"--secret=myapp--{key},type=env,target={key}" for key in VALUES]
        return self.spawn("podman", "run", "--rm", *uses, "image", "env")


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine() as entered:
        assert entered.psictl("setup").code == 0
        yield entered


def test_after_a_reboot_infisical_is_not_asked(machine: Machine) -> None:
    machine.reboot()
    machine.infisical.clear_requests()
    done = machine.psictl("setup", "--boot")
    assert (done.code, done.out, done.err) == (
        0, b"myapp: 3 kept\n", "psictl: systemd was not reloaded: no drop-in changed\n",
    )  # fmt: skip  # one row
    assert machine.infisical.requests() == []
    assert machine.psictl("setup").code == 0
    assert machine.infisical.requests() != [], "the twin: without --boot it is"


def test_infisical_away_is_not_even_noticed(machine: Machine) -> None:
    machine.stop()
    machine.infisical.kill()
    machine.start()
    done = machine.psictl("setup", "--boot", "--json")
    machine.infisical.start()
    assert done.code == 0
    (shown,) = done.json()["workloads"]
    assert [each["outcome"] for each in shown["secrets"]] == ["kept"] * 3


def test_it_runs_beside_a_container_that_starts(machine: Machine) -> None:
    container = machine.container()
    assert machine.psictl("setup", "--boot").code == 0
    out, err = container.communicate(timeout=COMMAND_SECONDS)
    assert container.returncode == 0, err
    assert {f"{key}={value}" for key, value in VALUES.items()} <= set(out.decode().splitlines())


def test_a_lookup_that_hangs_delays_it_and_both_end(machine: Machine) -> None:
    assert machine.psictl("cache", "invalidate", "--all").code == 0
    machine.infisical.fault("hold")
    container = machine.container()
    machine.infisical.wait_held(1)
    done = machine.psictl("setup", "--boot")
    container.communicate(timeout=COMMAND_SECONDS)
    machine.infisical.clear_faults()
    assert container.returncode != 0
    assert done.code == 0
    assert "left with what is registered, 3 secrets" in done.err


def test_what_is_not_kept_is_fetched_and_kept_again(machine: Machine) -> None:
    machine.psictl("cache", "invalidate", "--all")
    machine.infisical.clear_requests()
    done = machine.psictl("setup", "--boot")
    assert done.code == 0
    assert "the value of myapp--A is not kept, nor 2 others" in done.err
    assert machine.infisical.requests() != []
    machine.infisical.clear_requests()
    assert machine.psictl("setup", "--boot").err.count("kept") == 0
    assert machine.infisical.requests() == []


def test_a_workload_that_never_was_registered_is_temporary_in_an_outage(machine: Machine) -> None:
    machine.configure(FRESH)
    machine.stop()
    machine.infisical.kill()
    machine.start()
    done = machine.psictl("setup", "--boot")
    assert done.code == 5
    assert done.out.decode().splitlines() == ["myapp: 3 kept", "fresh: nothing was changed"]
    machine.infisical.start()
    assert machine.psictl("setup", "--boot").code == 0
    machine.infisical.clear_requests()
    assert machine.psictl("setup", "--boot").code == 0
    assert machine.infisical.requests() == []


def test_a_changed_configuration_is_set_up_anew(machine: Machine) -> None:
    text = machine.config.read_text()
    machine.config.write_text(text.replace("path: /myapp}]", "path: /myapp}]\n    type: mount"))
    machine.reboot()
    done = machine.psictl("setup", "--boot")
    assert done.code == 0
    assert "myapp: 3 kept, 50-secrets.conf changed" in done.out.decode()
    dropin = machine.layout.quadlets / "myapp.container.d" / "50-secrets.conf"
    assert "Secret=myapp--A,type=mount,target=A" in dropin.read_text()


def test_it_does_not_go_with_no_podman(machine: Machine) -> None:
    assert machine.psictl("setup", "--boot", "--no-podman").code == 2
