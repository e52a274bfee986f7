"""psictl against the real services below ``psictl dev``, with a stand-in Infisical and podman."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from psictl.driver import driver_commands
from psictl.layout import Layout
from tests.fakes.broker.host import COMMAND_SECONDS, PODMAN, Ended
from tests.fakes.infisical.process import StandIn
from tests.fakes.infisical.seed import IdentitySeed, ProjectSeed, Seed, raw

CONFIG = """\
providers:
  infisical:
    api_url: {url}
    auth: {{method: universal-auth, client_id: host, client_secret: {secret}}}
    projects:
      main: {{id: 3f2b8c1e-5a47-4f0e-9b6d-0c9a7e4d2b10, environment: prod}}
cache: {{backend: memory}}
workloads:
  myapp:
    secrets: [{{project: main, path: /myapp}}]
    depends_on: [db.service]
  worker@:
    secrets: [{{project: main, path: /deep, recursive: true}}]
"""
VALUES: dict[str, bytes] = {
    "PLAIN": b"postgres",
    "QUOTED": b'it\'s "$(id)" `x` \\ !',
    "ENDS": b"line\r\n\n",
    "LARGE": b"x" * 100_000,
}


class Whole:
    """Stand-in, development host and psictl; everything ends with it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="psi-", dir="/tmp"))  # sockets: short paths
        self.root = self.folder / "root"
        self.layout = Layout(self.root)
        self.config = self.folder / "config.yaml"
        self.infisical = StandIn(_seed())
        self.dev: subprocess.Popen[bytes] | None = None
        (self.folder / "bin").mkdir()
        program = self.folder / "bin" / "podman"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {PODMAN} "$@"\n')
        program.chmod(0o755)
        self.environment = dict(os.environ) | {
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "FAKE_PODMAN_DIR": str(self.folder / "podman"),
        }

    def __enter__(self) -> Self:
        self.infisical.start()
        self.write_config("right")
        log = (self.folder / "log").open("wb")
        self.dev = subprocess.Popen(
            [sys.executable, "-m", "psictl", "dev", "--root", str(self.root),
             "--config", str(self.config)],
            stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip  # one command line
        assert self.dev.stdout is not None
        assert json.loads(self.dev.stdout.readline())["ready"] is True
        return self

    def __exit__(self, *_: object) -> None:
        assert self.dev is not None
        self.dev.send_signal(signal.SIGTERM)
        self.dev.communicate(timeout=COMMAND_SECONDS)
        self.infisical.stop()
        shutil.rmtree(self.folder)

    def write_config(self, secret: str) -> None:
        self.config.write_text(CONFIG.format(url=self.infisical.url, secret=secret))
        self.config.chmod(0o600)

    def psictl(self, *arguments: str) -> Ended:
        done = self.run([sys.executable, "-m", "psictl", "--root", str(self.root), *arguments])
        assert b"Traceback" not in done.stderr
        return Ended(done.returncode, done.stdout, done.stderr.decode())

    def run(self, argv: list[str], **variables: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            argv, env=self.environment | variables, capture_output=True,
            timeout=COMMAND_SECONDS, check=False,
        )  # fmt: skip  # one call

    def look_up(self, secret_id: str) -> bytes:
        """Run the very driver command."""
        command = driver_commands(str(self.layout.http_socket))["lookup"]
        done = self.run(["/bin/sh", "-c", command], SECRET_ID=secret_id)
        assert done.returncode == 0, done.stderr
        return done.stdout


def _seed() -> Seed:
    project = ProjectSeed("3f2b8c1e-5a47-4f0e-9b6d-0c9a7e4d2b10", "main")
    for key, value in VALUES.items():
        project.secret("prod", "/myapp", key, value.decode())
    hostile = ("X\nPodmanArgs=--privileged\nVolume=/:/host", "Y,type=mount", "END\\", "%i", 'Q"R')
    for name in hostile:
        project.secret("prod", "/myapp", raw(name.encode()), "evil")
    project.secret("prod", "/myapp", "NUL", raw(b"a\0b"))
    project.secret("prod", "/myapp", "TOO_LARGE", "y" * 131_072)
    project.secret("prod", "/deep", "TOP", "1").secret("prod", "/deep/er", "INNER", "2")
    return Seed([IdentitySeed("host", "right")], [project])


@pytest.fixture(scope="module")
def whole() -> Iterator[Whole]:
    with Whole() as entered:
        yield entered


def held(whole: Whole) -> dict[str, Any]:
    infos = json.loads((whole.folder / "podman" / "secrets.json").read_text())
    return {info["Spec"]["Name"]: secret_id for secret_id, info in infos.items()}


def test_setup_registers_what_is_fit_and_tells_the_rest(whole: Whole) -> None:
    done = whole.psictl("setup")
    assert done.code == 3
    names = {f"myapp--{key}" for key in VALUES} | {"worker@--TOP", "worker@--INNER"}
    assert set(held(whole)) == names
    for told in ("X?PodmanArgs=--privileged", "NUL: ", "TOO_LARGE: ", "mount"):
        assert told in done.err
    text = (whole.layout.quadlets / "myapp.container.d" / "50-secrets.conf").read_text()
    lines = [f"Secret=myapp--{key},type=env,target={key}" for key in VALUES]
    assert sorted(text.splitlines()[3:]) == sorted(["[Container]", *lines])
    order = (whole.layout.quadlets / "myapp.container.d" / "40-psi-order.conf").read_text()
    assert "After=db.service\nWants=db.service\n" in order


def test_a_second_setup_keeps_everything(whole: Whole) -> None:
    whole.psictl("setup")
    before = held(whole)
    done = whole.psictl("setup", "--json")
    assert held(whole) == before
    shown = {s["outcome"] for each in done.json()["workloads"] for s in each["secrets"]}
    assert shown == {"kept"}


def test_without_podman_every_id_gives_the_exact_value(whole: Whole) -> None:
    done = whole.psictl("setup", "--no-podman", "myapp")
    assert done.code == 3
    values = {entry["name"]: whole.look_up(entry["id"]) for entry in done.json()}
    assert values == {f"myapp--{key}": value for key, value in VALUES.items()}


def test_login_succeeds_and_status_is_healthy(whole: Whole) -> None:
    login = whole.psictl("infisical", "login")
    assert login.code == 0
    assert "OK global" in login.out.decode()
    status = whole.psictl("status", "--json")
    assert (status.code, status.json()["problems"]) == (0, [])
    assert status.json()["config"]["in_force"] is True


def test_env_and_write_file_give_the_exact_values(whole: Whole) -> None:
    arguments = ("--project", "main", "--path", "/myapp")
    only = [word for key in VALUES for word in ("--only", key)]
    done = whole.psictl("infisical", "env", *arguments, *only)
    assert done.code == 0
    script = 'eval "$(cat)"; printf "%s" "$PLAIN$QUOTED$ENDS$LARGE"'
    got = subprocess.run(["sh", "-c", script], input=done.out, capture_output=True, check=True)
    assert got.stdout == b"".join(VALUES.values())
    out = whole.folder / "out"
    assert whole.psictl("infisical", "write-file", "NUL", str(out), *arguments).code == 0
    assert out.read_bytes() == b"a\0b"


def test_env_of_a_folder_with_hostile_keys_prints_nothing(whole: Whole) -> None:
    done = whole.psictl("infisical", "env", "--project", "main", "--path", "/myapp")
    assert (done.code, done.out) == (1, b"")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("--project", "nope"), 2), (("--project", "main", "--path", "/absent"), 1)],
)
def test_what_does_not_exist_has_its_exit_code(
    whole: Whole, arguments: tuple[str, ...], code: int
) -> None:
    assert whole.psictl("infisical", "env", *arguments).code == code


def test_an_edit_is_drift_until_it_is_applied(whole: Whole) -> None:
    text = whole.config.read_text()
    whole.config.write_text(text.replace("db.service", "cache.service"))
    drifted = whole.psictl("status")
    assert drifted.code == 3
    assert "psictl apply --config" in drifted.err
    assert "psictl apply --config" in whole.psictl("setup", "worker@").err
    applied = whole.psictl("apply", "--config", str(whole.config), "--json")
    assert applied.code == 0
    assert applied.json()["restarted"] == ["broker"]
    assert whole.psictl("status").code == 0
    whole.psictl("setup", "myapp")
    order = (whole.layout.quadlets / "myapp.container.d" / "40-psi-order.conf").read_text()
    assert "After=cache.service" in order


def test_a_broken_edit_changes_nothing_and_names_the_line(whole: Whole) -> None:
    good = whole.config.read_text()
    whole.config.write_text(good + "workload: {}\nother: 1\n")
    done = whole.psictl("apply", "--config", str(whole.config))
    whole.config.write_text(good)
    assert done.code == 2
    line = good.count("\n") + 1
    assert f":{line}" in done.err
    assert f":{line + 1}" in done.err
    assert whole.psictl("status").code == 0


def test_wrong_credentials_are_refused_and_shown(whole: Whole) -> None:
    whole.write_config("wrong")
    assert whole.psictl("apply", "--config", str(whole.config)).code == 0
    login = whole.psictl("infisical", "login")
    assert login.code == 1
    assert "FAIL global" in login.out.decode()
    assert "wrong" not in login.out.decode() + login.err
    status = whole.psictl("status")
    assert status.code == 3
    whole.write_config("right")
    assert whole.psictl("apply", "--config", str(whole.config)).code == 0
    assert whole.psictl("infisical", "login", "--retry").code == 0


def test_an_infisical_that_is_down_is_temporary(whole: Whole) -> None:
    whole.infisical.stop()
    try:
        assert whole.psictl("setup").code == 5
        assert whole.psictl("infisical", "env", "--project", "main").code == 5
        assert whole.psictl("infisical", "login").code == 1
        assert whole.psictl("status").code == 3
    finally:
        whole.infisical.start()
