"""The frozen commands: their very text, and how the shell and curl read them."""

import os
import subprocess
from pathlib import Path

import pytest

from psi.shared.errors import ConfigError
from psictl.driver import driver_commands, is_psi_driver
from tests.fakes.podman_fake.secret_server import secret_server

SECRET_ID = "0123456789abcdef012345678"
WITH_REASON = (
    "curl -q -sS -f --max-time 32 --unix-socket /run/psi/psi.sock "
    r"-w '%{onerror}%{stderr}psi: %header{psi-reason}\n' "
)
PLAIN = "curl -q -sS -f --max-time 32 --unix-socket /run/psi/psi.sock "


def run(command: str, payload: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a command as Podman does."""
    environment = {"PATH": os.environ["PATH"], "SECRET_ID": SECRET_ID}
    return subprocess.run(
        ["/bin/sh", "-c", command], input=payload, env=environment, capture_output=True, check=False
    )


@pytest.mark.parametrize(("with_reason", "head"), [(True, WITH_REASON), (False, PLAIN)])
def test_the_commands_are_word_for_word_what_is_frozen(*, with_reason: bool, head: str) -> None:
    assert driver_commands(with_reason=with_reason) == {
        "store": f"{head}-o /dev/null --data-binary @- http://localhost/store/$SECRET_ID",
        "lookup": f"{head}http://localhost/lookup/$SECRET_ID",
        "delete": f"{head}-o /dev/null -X DELETE http://localhost/delete/$SECRET_ID",
        "list": f"{head}-o /dev/null http://localhost/list",
    }


def test_both_variants_are_known_as_psis_own() -> None:
    assert is_psi_driver(driver_commands(with_reason=True))
    assert is_psi_driver(driver_commands(with_reason=False))


def test_other_options_are_not_psis_own() -> None:
    changed = driver_commands() | {"lookup": "cat /etc/shadow"}
    assert not is_psi_driver(changed)
    assert not is_psi_driver({})


def test_a_socket_path_with_a_newline_is_refused() -> None:
    with pytest.raises(ConfigError, match="control characters"):
        driver_commands("/srv/a\nb/psi.sock")


@pytest.mark.parametrize("name", ["sock", "so ck", "so'ck", "so$(id)ck", 'so"ck'])
def test_every_verb_works_through_the_shell_whatever_the_socket_is_called(
    tmp_path: Path, name: str
) -> None:
    payload, value = b"\r\n{'$(id)'}\n\0", b"a\r\nb\0\n\n"
    with secret_server(tmp_path / name) as server:
        server.values[payload] = value
        commands = driver_commands(str(server.path))
        stored = run(commands["store"], payload)
        looked_up = run(commands["lookup"])
        listed = run(commands["list"])
        deleted = run(commands["delete"])
    assert [done.returncode for done in (stored, looked_up, listed, deleted)] == [0, 0, 0, 0]
    assert looked_up.stdout == value
    assert stored.stdout + listed.stdout + deleted.stdout == b""
    assert server.requests == [
        f"POST /store/{SECRET_ID}",
        f"GET /lookup/{SECRET_ID}",
        "GET /list",
        f"DELETE /delete/{SECRET_ID}",
    ]


def test_the_reason_of_a_refusal_is_on_stderr_and_nothing_on_stdout(tmp_path: Path) -> None:
    with secret_server(tmp_path / "sock") as server:
        done = run(driver_commands(str(server.path))["lookup"])
    assert done.returncode == 22
    assert done.stdout == b""
    assert b"psi: unknown id; run psictl setup\n" in done.stderr


def test_a_curlrc_cannot_send_the_value_elsewhere(tmp_path: Path) -> None:
    (tmp_path / ".curlrc").write_text(f'output = "{tmp_path}/stolen"\n')
    with secret_server(tmp_path / "sock") as server:
        server.values[b"x"] = b"value"
        commands = driver_commands(str(server.path))
        run(commands["store"], b"x")
        done = subprocess.run(
            ["/bin/sh", "-c", commands["lookup"]],
            env={"PATH": os.environ["PATH"], "SECRET_ID": SECRET_ID, "HOME": str(tmp_path)},
            capture_output=True,
            check=False,
        )
    assert done.stdout == b"value"
    assert not (tmp_path / "stolen").exists()
