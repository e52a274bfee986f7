"""Real Podman, its shell driver and PSI's very commands, against a tiny server on a socket.

What Podman really is on this machine decides; PSI's services are not needed for it.
"""

import json
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from psictl.driver import driver_commands, render_containers_conf
from psictl.podman.command import CommandPodman
from psictl.podman.errors import NameInUse, NameRefused, NoSuchSecret, PodmanError
from psictl.podman.interface import Podman
from psictl.podman.rest import RestPodman
from psictl.quadlet.support import AT_SIGN_SINCE
from tests.fakes.podman_fake.secret_server import SecretServer, secret_server
from tests.fakes.podman_host.host import SHORT_FOLDER, PodmanHost
from tests.fakes.podman_host.image import import_busybox
from tests.fakes.podman_host.trial import why_not
from tests.fakes.podman_host.waiting import wait_until

MAPPING = b'{"project": "demo", "path": "/", "key": "K"}'
VALUES = {
    "one byte": b"x",
    "line ends": b"a\r\nb\rc\nd",
    "trailing newlines": b"value\n\n\n",
    "quotes": b"\"double\" 'single' `id` \\ \\n",
    "expansions": b"$(id) ${HOME} $SECRET_ID %s %i %%",
    "utf-8": "größer ключ 秘密".encode(),
    "120 kB": b"0123456789ab" * 10_000,
}
# A variable ends at its first NUL, and Podman keeps variables as JSON text: what is no UTF-8
# becomes U+FFFD without a word (4.3.1, tried). And the kernel takes 128 KiB at most.
MOUNT_ONLY_VALUES = {
    "NUL": b"a\0b\0",
    "no utf-8": bytes(range(256)),
    "511,999 bytes": b"0123456789abc" * 39_384 + b"1234567",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretServer]:
    with secret_server(tmp_path_factory.mktemp("psi") / "psi.sock") as started:
        yield started


@pytest.fixture(scope="module")
def host(server: SecretServer) -> Iterator[PodmanHost]:
    """Give a private Podman, or fail with the reason unless the run was told to go without."""
    if "podman" in os.environ.get("PSI_TESTS_WITHOUT", "").split(","):
        pytest.skip("PSI_TESTS_WITHOUT names podman")
    reason = why_not()
    if reason is not None:
        pytest.fail(f"Podman cannot run here: {reason} (or set PSI_TESTS_WITHOUT=podman)")
    conf = render_containers_conf(driver_commands(str(server.path)))
    with tempfile.TemporaryDirectory(prefix="psi-podman-", dir=SHORT_FOLDER) as folder:
        made = PodmanHost.create(Path(folder), conf)
        import_busybox(made)
        yield made


@contextmanager
def service_of(host: PodmanHost) -> Iterator[Path]:
    """Run the real ``podman system service`` on a socket until the block ends."""
    path = host.folder / "podman.sock"
    argv = [*host.program, "system", "service", "--time=0", f"unix://{path}"]
    process = subprocess.Popen(argv, env=host.environment, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: accepts(path), "Podman's service to listen")
        yield path
    finally:
        process.terminate()
        process.wait(timeout=30)
        path.unlink(missing_ok=True)


def accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


@pytest.fixture(scope="module", params=["command", "rest"])
def podman(request: pytest.FixtureRequest, host: PodmanHost) -> Iterator[Podman]:
    if request.param == "command":
        yield CommandPodman(host.program, host.environment)
        return
    with service_of(host) as path:
        yield RestPodman(path)


@pytest.fixture
def secret(podman: Podman, server: SecretServer) -> Iterator[str]:
    """Create ``demo--K`` by the adapter under test and remove it after."""
    podman.create("demo--K", MAPPING, driver_commands(str(server.path)))
    yield "demo--K"
    if podman.inspect("demo--K") is not None:
        podman.remove("demo--K")
    server.values.clear()


def test_create_runs_store_with_the_mapping_and_lists_what_was_said(
    podman: Podman, server: SecretServer, secret: str
) -> None:
    (listed,) = podman.secrets()
    assert (listed.name, listed.driver) == (secret, "shell")
    assert listed.options == driver_commands(str(server.path))
    assert server.stored[listed.id] == MAPPING
    assert podman.inspect(secret) == listed


def test_list_and_inspect_make_no_lookup(podman: Podman, server: SecretServer, secret: str) -> None:
    server.requests.clear()
    podman.secrets()
    podman.inspect(secret)
    assert server.requests == []


def test_remove_runs_delete(podman: Podman, server: SecretServer, secret: str) -> None:
    (listed,) = podman.secrets()
    podman.remove(secret)
    assert podman.secrets() == []
    assert listed.id not in server.stored


def test_a_name_in_use_is_told_apart(podman: Podman, server: SecretServer, secret: str) -> None:
    with pytest.raises(NameInUse):
        podman.create(secret, MAPPING, driver_commands(str(server.path)))


def test_an_unknown_name_is_told_apart(podman: Podman) -> None:
    assert podman.inspect("nope--K") is None
    with pytest.raises(NoSuchSecret):
        podman.remove("nope--K")


def test_a_store_that_fails_registers_nothing(podman: Podman, tmp_path: Path) -> None:
    with pytest.raises(PodmanError, match="the driver's command failed"):
        podman.create("demo--K", MAPPING, driver_commands(str(tmp_path / "none")))
    assert podman.secrets() == []


def test_a_template_name_is_refused_or_taken_as_the_version_says(
    podman: Podman, server: SecretServer
) -> None:
    driver = driver_commands(str(server.path))
    if podman.version() < AT_SIGN_SINCE:
        with pytest.raises(NameRefused):
            podman.create("demo@--K", MAPPING, driver)
    else:
        podman.create("demo@--K", MAPPING, driver)
        podman.remove("demo@--K")


@pytest.mark.parametrize("socket_name", ["a=b, c.sock", 'q"u=o.sock', "it's.sock"])
def test_a_driver_command_with_odd_characters_arrives_unchanged(
    podman: Podman, tmp_path: Path, socket_name: str
) -> None:
    with secret_server(tmp_path / socket_name) as odd:
        driver = driver_commands(str(odd.path))
        created = podman.create("odd--K", MAPPING, driver)
        found = podman.inspect("odd--K")
        assert found is not None
        assert found.options == driver
        assert odd.stored == {created: MAPPING}
        podman.remove("odd--K")


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_container_gets_the_value_byte_for_byte(
    host: PodmanHost, podman: Podman, server: SecretServer, secret: str, value: bytes
) -> None:
    server.values[MAPPING] = value
    options = [f"--secret={secret},type=env,target=X", f"--secret={secret},type=mount,target=f"]
    # /proc has the variable as the kernel got it: no shell in between.
    done = host.run_container(options, ["cat", "/proc/self/environ", "/run/secrets/f"])
    assert done.returncode == 0, done.stderr
    variables, _, mounted = done.stdout.rpartition(b"\0")
    assert b"X=" + value in variables.split(b"\0")
    assert mounted == value


@pytest.mark.parametrize("value", MOUNT_ONLY_VALUES.values(), ids=MOUNT_ONLY_VALUES)
def test_a_mount_holds_what_a_variable_cannot(
    host: PodmanHost, podman: Podman, server: SecretServer, secret: str, value: bytes
) -> None:
    server.values[MAPPING] = value
    done = host.run_container([f"--secret={secret},type=mount,target=f"], ["cat", "/run/secrets/f"])
    assert done.returncode == 0, done.stderr
    assert done.stdout == value


def test_a_mounted_secret_has_its_owner_and_mode(
    host: PodmanHost, podman: Podman, server: SecretServer, secret: str
) -> None:
    server.values[MAPPING] = b"x"
    option = f"--secret={secret},type=mount,target=/etc/tls/key,uid=7,gid=8,mode=0440"
    done = host.run_container([option], ["stat", "-c", "%u %g %a", "/etc/tls/key"])
    assert (done.returncode, done.stdout) == (0, b"7 8 440\n"), done.stderr


def test_a_refused_lookup_stops_the_container_with_its_reason(
    host: PodmanHost, podman: Podman, secret: str
) -> None:
    done = host.run_container([f"--secret={secret},type=env,target=X"], ["true"])
    assert done.returncode != 0
    assert b"psi: unknown id; run psictl setup\n" in done.stderr


def test_the_installed_containers_conf_serves_where_no_driver_is_named(
    host: PodmanHost, server: SecretServer
) -> None:
    host.podman("secret", "create", "--driver", "shell", "conf--K", "-", payload=MAPPING)
    (info,) = json.loads(host.podman("secret", "inspect", "conf--K").stdout)
    assert info["Spec"]["Driver"]["Options"] == driver_commands(str(server.path))
    assert host.podman("secret", "rm", "conf--K").returncode == 0


def test_without_the_default_driver_other_secrets_stay_podmans_own(
    host: PodmanHost, server: SecretServer
) -> None:
    server.requests.clear()
    host.podman("secret", "create", "foreign", "-", payload=b"not PSI's")
    (info,) = json.loads(host.podman("secret", "inspect", "foreign").stdout)
    assert host.podman("secret", "rm", "foreign").returncode == 0
    assert info["Spec"]["Driver"]["Name"] == "file"
    assert server.requests == []
