"""The stand-in podman runs the driver as Podman does: what setup's tests rest on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from psictl.driver import driver_commands
from psictl.podman.command import CommandPodman
from tests.fakes.podman_fake.secret_server import secret_server

FAKE = Path(__file__).parents[2] / "fakes" / "podman"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return dict(os.environ) | {"FAKE_PODMAN_DIR": str(tmp_path / "podman")}


def run(
    environment: dict[str, str], *arguments: str, payload: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, FAKE, *arguments],
        input=payload,
        env=environment,
        capture_output=True,
        check=False,
    )


def printing(name: str) -> list[str]:
    """Return a command that prints a variable, byte for byte."""
    code = f"import os, sys; sys.stdout.buffer.write(os.environb[b'{name}'])"
    return [sys.executable, "-c", code]


def test_a_container_gets_what_the_lookup_answers(
    environment: dict[str, str], tmp_path: Path
) -> None:
    value = b"a\r\n\"q\"'$(id)'\n\n"
    with secret_server(tmp_path / "sock") as server:
        server.values[b"mapping"] = value
        podman = CommandPodman([sys.executable, str(FAKE)], environment)
        podman.create("w--K", b"mapping", driver_commands(str(server.path)))
        secret = ["--secret", "w--K,type=env,target=X"]
        done = run(environment, "run", "--rm", *secret, "image", *printing("X"))
        mounted = run(environment, "run", "--secret", "w--K,target=f", "image", "true")
    assert (done.returncode, done.stdout) == (0, value)
    assert mounted.returncode == 0
    assert (tmp_path / "podman" / "mounts" / "f").read_bytes() == value


def test_a_refused_lookup_ends_the_run_with_its_reason(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with secret_server(tmp_path / "sock") as server:
        podman = CommandPodman([sys.executable, str(FAKE)], environment)
        name = podman.create("w--K", b"mapping", driver_commands(str(server.path)))
        done = run(environment, "run", "--secret", "w--K,type=env,target=X", "image", "true")
    assert done.returncode == 126
    assert b"psi: unknown id; run psictl setup" in done.stderr
    assert done.stderr.endswith(f"Error: {name}: no such secret\n".encode())


def test_a_secret_that_is_not_there_ends_the_run(environment: dict[str, str]) -> None:
    done = run(environment, "run", "--secret", "w--K,type=env,target=X", "image", "true")
    assert (done.returncode, done.stdout) == (125, b"")
    assert b'no secret with name or id "w--K": no such secret' in done.stderr


def test_the_driver_of_containers_conf_serves_where_none_is_named(
    environment: dict[str, str], tmp_path: Path
) -> None:
    conf = tmp_path / "containers.conf"
    conf.write_text(
        f"[secrets.opts]\nstore = \"cat > '{tmp_path}/kept'\"\n"
        'lookup = "true"\ndelete = "true"\nlist = "true"\n'
    )
    variables = environment | {"CONTAINERS_CONF": str(conf)}
    done = run(variables, "secret", "create", "--driver", "shell", "w--K", "-", payload=b"x")
    assert done.returncode == 0
    assert (tmp_path / "kept").read_bytes() == b"x"


def test_a_delete_that_fails_keeps_the_secret(environment: dict[str, str]) -> None:
    podman = CommandPodman([sys.executable, str(FAKE)], environment)
    driver = {"store": "cat >/dev/null", "lookup": "true", "delete": "exit 1", "list": "true"}
    podman.create("w--K", b"x", driver)
    assert run(environment, "secret", "rm", "w--K").returncode == 125
    assert podman.inspect("w--K") is not None


def test_the_beginning_of_an_id_names_a_secret(environment: dict[str, str]) -> None:
    created = run(environment, "secret", "create", "plain", "-", payload=b"x").stdout.decode()
    assert run(environment, "secret", "rm", created[:6]).stdout.decode() == created
